//! Organizations with their members, algorithms with their versions.

use domain::algorithm::AlgorithmRetired;
use domain::organization::{MemberAdded, MemberRemoved, MemberRoleChanged, Role};
use domain::{Event, OrganizationName};
use projections::algorithm::AlgorithmFilter;
use projections::organization::MemberFilter;

use crate::events::{algorithm, flowing, published, withdrawn};
use crate::fixture::{Fixture, all};

fn acme() -> OrganizationName {
    "acme".parse().unwrap()
}

fn added(member: &str, role: Role) -> Event {
    MemberAdded {
        organization: acme(),
        member: member.parse().unwrap(),
        role,
    }
    .into()
}

#[tokio::test]
async fn members_are_listed_with_the_role_they_have_now() {
    let mut events = flowing("1.0.0");
    events.extend([
        added("ann", Role::Owner),
        added("bob", Role::Executor),
        added("eve", Role::Member),
    ]);
    events.push(
        MemberRoleChanged {
            organization: acme(),
            member: "bob".parse().unwrap(),
            role: Role::Owner,
        }
        .into(),
    );
    events.push(
        MemberRemoved {
            organization: acme(),
            member: "eve".parse().unwrap(),
        }
        .into(),
    );
    let fixture = Fixture::after(&events).await;
    let members = fixture
        .model
        .page(
            &MemberFilter {
                organization: acme(),
                roles: None,
                search: None,
                not: None,
            },
            &all(),
        )
        .await
        .unwrap()
        .rows;
    let shown: Vec<_> = members.iter().map(|m| (m.name.as_str(), m.role)).collect();
    assert_eq!(shown, [("ann", Role::Owner), ("bob", Role::Owner)]);
    assert!(members[1].since > members[0].since, "since the new role");
}

#[tokio::test]
async fn withdrawn_versions_and_retired_algorithms_stay_listed_as_such() {
    let mut events = flowing("1.0.0");
    events.extend([published("1.1.0"), withdrawn("1.0.0")]);
    events.push(
        AlgorithmRetired {
            algorithm: algorithm(),
        }
        .into(),
    );
    let fixture = Fixture::after(&events).await;
    let model = &fixture.model;
    let versions = model.versions_of(&[algorithm()]).await.unwrap();
    assert_eq!(versions[0].withdrawn, None);
    let withdrawn = versions[1].withdrawn.as_ref().unwrap();
    assert_eq!(withdrawn.reason.as_deref(), Some("it lies"));
    let retired = AlgorithmFilter {
        retired: Some(true),
        search: Some("score".to_owned()),
        ..Default::default()
    };
    assert_eq!(model.page(&retired, &all()).await.unwrap().rows.len(), 1);
    let in_use = AlgorithmFilter {
        retired: Some(false),
        ..Default::default()
    };
    assert_eq!(model.page(&in_use, &all()).await.unwrap().rows, []);
}
