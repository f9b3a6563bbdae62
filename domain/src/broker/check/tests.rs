//! Settings that lead to a broker, and such that do not.

use super::*;
use crate::broker::{KafkaSecurity, SaslMechanism, ServiceBusAuth, SqsAuth, Tls};
use crate::credential::CredentialRef;

fn credential() -> CredentialRef {
    CredentialRef {
        name: "local/main".parse().unwrap(),
        version: 1,
    }
}

fn kafka(servers: &[&str], security: KafkaSecurity) -> BrokerSettings {
    BrokerSettings::Kafka {
        bootstrap_servers: servers.iter().map(ToString::to_string).collect(),
        security,
    }
}

fn sqs(region: &str, endpoint: Option<&str>, auth: SqsAuth) -> BrokerSettings {
    BrokerSettings::Sqs {
        region: region.to_owned(),
        endpoint: endpoint.map(str::to_owned),
        auth,
    }
}

fn service_bus(namespace: &str, auth: ServiceBusAuth) -> BrokerSettings {
    BrokerSettings::ServiceBus {
        namespace: namespace.to_owned(),
        endpoint: None,
        auth,
    }
}

#[track_caller]
fn refused(settings: &BrokerSettings, expected: &str) {
    match settings.check() {
        Err(Refusal::OutOfRange { field, .. }) => assert_eq!(field, expected),
        other => panic!("{other:?} is not a refusal of {expected}"),
    }
}

#[test]
fn addresses_without_host_or_port_are_refused() {
    for servers in [
        &[][..],
        &["host"],
        &[":9092"],
        &["host:0"],
        &["host:99999"],
        &["a b:1"],
        &["host:1"; 17],
    ] {
        refused(
            &kafka(servers, KafkaSecurity::Plaintext),
            "settings.kafka.bootstrapServers",
        );
    }
    let fine = kafka(
        &["[::1]:9092", "kafka-1.example:9092"],
        KafkaSecurity::Plaintext,
    );
    assert_eq!(fine.check(), Ok(()));
}

#[test]
fn certificates_are_taken_and_keys_are_not() {
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let sasl = |ca: &str| KafkaSecurity::Sasl {
        mechanism: SaslMechanism::ScramSha512,
        credential: credential(),
        tls: Some(Tls {
            ca: Some(ca.to_owned()),
        }),
    };
    assert_eq!(kafka(&["h:1"], sasl(certificate)).check(), Ok(()));
    let key = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n";
    let chain = format!("{certificate}{key}{certificate}");
    let endless = certificate.repeat(4000);
    for ca in ["", "MIIB", key, &chain, &endless] {
        refused(&kafka(&["h:1"], sasl(ca)), "settings.kafka.tls.ca");
    }
}

#[test]
fn a_credential_without_a_version_is_refused() {
    let none = CredentialRef {
        version: 0,
        ..credential()
    };
    let security = KafkaSecurity::Sasl {
        mechanism: SaslMechanism::Plain,
        credential: none.clone(),
        tls: None,
    };
    refused(&kafka(&["h:1"], security), "settings.kafka.sasl.credential");
    let auth = SqsAuth::StaticKeys { credential: none };
    refused(
        &sqs("eu-west-1", None, auth),
        "settings.sqs.auth.staticKeys.credential",
    );
}

#[test]
fn sqs_wants_a_region_and_a_role_of_the_right_form() {
    for region in ["", "europe", "eu west", "EU/west-1"] {
        refused(
            &sqs(region, None, SqsAuth::DefaultChain),
            "settings.sqs.region",
        );
    }
    for endpoint in [
        "queue",
        "http://",
        "http://user@host/",
        "https://host/?key=x",
    ] {
        let settings = sqs("eu-west-1", Some(endpoint), SqsAuth::DefaultChain);
        refused(&settings, "settings.sqs.endpoint");
    }
    let role = |role_arn: &str, external_id: Option<&str>| {
        let auth = SqsAuth::AssumeRole {
            role_arn: role_arn.to_owned(),
            external_id: external_id.map(str::to_owned),
        };
        sqs("eu-west-1", Some("http://127.0.0.1:9324"), auth)
    };
    let arn = "arn:aws:iam::123456789012:role/path/eventflows";
    assert_eq!(role(arn, Some("tenant-7")).check(), Ok(()));
    for wrong in [
        "",
        "eventflows",
        "arn:aws:iam::12345:role/x",
        "arn:aws:iam::123456789012:user/x",
        "arn:aws:sqs:eu-west-1:123456789012:role/x",
    ] {
        refused(&role(wrong, None), "settings.sqs.auth.assumeRole.roleArn");
    }
    refused(
        &role(arn, Some("x")),
        "settings.sqs.auth.assumeRole.externalId",
    );
}

#[test]
fn service_bus_wants_a_full_host_name_and_ids_of_the_right_form() {
    let machine = ServiceBusAuth::ManagedIdentity { client_id: None };
    for namespace in ["", "sales", "sales.example/x", "sb://sales.example"] {
        refused(
            &service_bus(namespace, machine.clone()),
            "settings.serviceBus.namespace",
        );
    }
    let host = "sales.servicebus.windows.net";
    assert_eq!(service_bus(host, machine).check(), Ok(()));
    let named = ServiceBusAuth::SharedAccessKey {
        key_name: "a b".to_owned(),
        credential: credential(),
    };
    refused(
        &service_bus(host, named),
        "settings.serviceBus.auth.sharedAccessKey.keyName",
    );
    let application = |tenant_id: &str, client_id: &str| ServiceBusAuth::ClientSecret {
        tenant_id: tenant_id.to_owned(),
        client_id: client_id.to_owned(),
        credential: credential(),
    };
    let id = "6f1d9c1e-5b7a-4d0e-9f53-0d7c3a51e8b2";
    assert_eq!(
        service_bus(host, application("acme.example", id)).check(),
        Ok(())
    );
    refused(
        &service_bus(host, application("", id)),
        "settings.serviceBus.auth.clientSecret.tenantId",
    );
    refused(
        &service_bus(host, application(id, "me")),
        "settings.serviceBus.auth.clientSecret.clientId",
    );
}
