//! Organizations with their members, algorithms with their versions.

use domain::OrganizationName;
use domain::organization::{MemberRemoved, Role};
use domain::testing::{
    algorithm_retired, member_added, member_role_changed, score, version_published,
    version_withdrawn,
};
use projections::algorithm::AlgorithmFilter;
use projections::organization::MemberFilter;

use crate::events::flowing;
use crate::fixture::{Fixture, all};

fn acme() -> OrganizationName {
    "acme".parse().unwrap()
}

#[tokio::test]
async fn members_are_listed_with_the_role_they_have_now() {
    let mut events = flowing("1.0.0");
    events.extend([
        member_added("ann", Role::Owner),
        member_added("bob", Role::Executor),
        member_added("eve", Role::Member),
    ]);
    events.push(member_role_changed("bob", Role::Owner));
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
    events.extend([
        version_published("acme/score", "1.1.0"),
        version_withdrawn("acme/score", "1.0.0"),
        algorithm_retired("acme/score"),
    ]);
    let fixture = Fixture::after(&events).await;
    let model = &fixture.model;
    let versions = model.versions_of(&[score()]).await.unwrap();
    assert_eq!(versions[0].withdrawn, None);
    let withdrawn = versions[1].withdrawn.as_ref().unwrap();
    assert_eq!(withdrawn.reason.as_deref(), Some("it was wrong"));
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
