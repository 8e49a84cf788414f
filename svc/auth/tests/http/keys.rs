use auth::{Auth, Command, KeysCommand};
use chassis::Service;
use db::Db;
use ids::Clock;
use testkit::{Kit, eventually};

use crate::person::{CURRENT, Given, JWKS, PASSWORD, SIGN_IN, credentials, sign_up, start};

#[tokio::test]
async fn a_rotated_key_signs_without_a_restart_and_the_tokens_of_the_old_one_stay_good() {
    let kit = Kit::new().await;
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
