use crate::test_app::TestApp;

const PATH: &str = "/api/v1/notifications/personal-data";

#[tokio::test(flavor = "multi_thread")]
async fn a_user_reads_the_own_data_and_nobody_elses() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    app.request_password_mail(&ada).await;
    assert_eq!(app.all_mails().await.len(), 1);
    let client = app.service.client().bearer(&app.env.token(ada.id));
    let data = testkit::eventually("the mail is sent", async || {
        let data = client.get(PATH).await.expect(200);
        (data.text_at("/mails/0/state") == "sent").then_some(data)
    })
    .await;
    insta::assert_json_snapshot!(data.stable_json(), @r#"
    {
      "email": "ada@example.com",
      "name": "Ada Lovelace",
      "language": "en",
      "mails": [
        {
          "id": "[id]",
          "kind": "password-changed",
          "state": "sent",
          "address": "ada@example.com",
          "createdAt": "[time]",
          "endedAt": "[time]"
        }
      ],
      "nextCursor": null
    }
    "#);
    let (_, other) = app.env.user(&app.service);
    let others = other.get(PATH).await.expect(200);
    assert_eq!(others.json().to_string(), r#"{"mails":[],"nextCursor":null}"#);
    let _ = app.service.client().get(PATH).await.expect(401);
    app.request_password_mail(&ada).await;
    let mails = testkit::eventually("another mail is requested", async || {
        let mails = client.exported(PATH, "mails", 1).await;
        (mails.len() == 2).then_some(mails)
    })
    .await;
    assert_ne!(mails[0]["id"], mails[1]["id"]);
    app.stop_and_check().await;
}
