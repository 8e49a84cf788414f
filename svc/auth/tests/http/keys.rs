use auth::{Auth, Command, KeysCommand};
use chassis::Service;
use db::{Db, admin};
use testkit::{TestEnv, eventually};
use values::Clock;

use crate::person::{CURRENT, Given, JWKS, PASSWORD, SIGN_IN, credentials, refresh, sign_up, start};

#[tokio::test]
async fn a_rotated_key_signs_without_a_restart_and_the_tokens_of_the_old_one_stay_good() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    let old = sign_up(&auth, "ada@example.com").await;

    // Another process, as `ticketing-auth keys rotate` is.
    let db = Db::open(&kit.database::<Auth>(), &Auth::SCHEMA).unwrap();
    let run = |what| Auth::command(Command::Keys { what }, db.clone(), Clock::system());
    let rotated = run(KeysCommand::Rotate).await.unwrap();
    let listed = run(KeysCommand::List).await.unwrap();
    db.close().await;
    let kid = rotated.split_once(' ').unwrap().0;
    let lines = listed.lines().collect::<Vec<_>>();
    assert!(
        lines[0] == "2 keys" && lines[1].starts_with(kid) && lines[1].ends_with("signs"),
        "{listed}"
    );
    assert!(lines[2].contains("verifies until"), "{listed}");

    let new = eventually("the new key signs", || async {
        let reply = auth
            .client()
            .post(SIGN_IN, credentials("ada@example.com", PASSWORD))
            .await
            .expect(200);
        let given = Given::of(&reply);
        (jsonwebtoken::decode_header(&given.access).unwrap().kid.as_deref() == Some(kid)).then_some(given)
    })
    .await;
    assert_eq!(
        auth.client().get(JWKS).await.json()["keys"].as_array().unwrap().len(),
        2
    );
    for access in [&old.access, &new.access] {
        auth.client().bearer(access).get(CURRENT).await.expect(200).json();
    }
    auth.stop().await;
}

#[tokio::test]
async fn revoked_keys_are_worth_nothing_at_once_and_everybody_can_sign_in_anew() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    let ada = sign_up(&auth, "ada@example.com").await;
    sign_up(&auth, "bob@example.com").await;

    // Another process, as `ticketing-auth keys revoke` is.
    let db = Db::open(&kit.database::<Auth>(), &Auth::SCHEMA).unwrap();
    let run = |what| Auth::command(Command::Keys { what }, db.clone(), Clock::system());
    run(KeysCommand::Rotate).await.unwrap();
    let told = run(KeysCommand::Revoke).await.unwrap();
    let listed = run(KeysCommand::List).await.unwrap();
    db.close().await;
    assert!(told.contains(", 2 sessions are ended"), "{told}");
    assert_eq!(listed.lines().count(), 2, "neither key of before is left: {listed}");

    let current = || async { auth.client().bearer(&ada.access).get(CURRENT).await };
    eventually("the token that was good is refused", || async {
        (current().await.status == 401).then_some(())
    })
    .await;
    refresh(&auth.client(), &ada.refresh).await.expect(401).problem();
    assert_eq!(
        auth.client().get(JWKS).await.json()["keys"].as_array().unwrap().len(),
        1
    );
    let reply = auth
        .client()
        .post(SIGN_IN, credentials("ada@example.com", PASSWORD))
        .await;
    let anew = Given::of(&reply.expect(200));
    auth.client().bearer(&anew.access).get(CURRENT).await.expect(200).json();
    refresh(&auth.client(), &anew.refresh).await.expect(200).json();
    auth.stop().await;
    let found = admin::check(&kit.database::<Auth>(), &Auth::SCHEMA, Auth::INVARIANTS).unwrap();
    assert!(found.is_empty(), "{found:?}");
}
