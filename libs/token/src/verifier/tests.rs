use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::*;
use crate::{
    ACCESS_TOKEN_LIFETIME, DEFAULT_AUDIENCE, DEFAULT_ISSUER, Denial,
    test_support::{NOW, claims, jwks, key, verifier},
};

fn encoded(part: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part.to_string())
}

#[tokio::test]
async fn a_valid_token_identifies_the_user_and_the_session() {
    let (key, claims) = (key(1), claims());
    let signed_in = verifier(&[&key], &Clock::manual(NOW))
        .verify(&key.sign(&claims).unwrap())
        .await
        .unwrap();
    assert_eq!((signed_in.user_id, signed_in.session_id), (claims.sub, claims.sid));
    assert_eq!(signed_in.token_expires_at, NOW + ACCESS_TOKEN_LIFETIME);
}

#[tokio::test]
async fn a_token_is_valid_for_fifteen_minutes_and_a_little_leeway() {
    let (key, clock) = (key(1), Clock::manual(NOW));
    let verifier = verifier(&[&key], &clock);
    let token = key.sign(&claims()).unwrap();
    clock.advance(ACCESS_TOKEN_LIFETIME);
    verifier.verify(&token).await.unwrap();
    clock.advance(CLOCK_LEEWAY);
    assert!(matches!(verifier.verify(&token).await, Err(VerifyError::Expired)));
}

#[tokio::test]
async fn the_signature_of_a_token_is_verified_once() {
    let (key, clock) = (key(1), Clock::manual(NOW));
    let verifier = verifier(&[&key], &clock);
    let token = key.sign(&claims()).unwrap();
    verifier.verify(&token).await.unwrap();
    let first = verifier.verified.get(&token).unwrap();
    let again = verifier.clone().verify(&token).await.unwrap();
    assert_eq!(again, SignedIn::new(&first.claims));
    assert!(Arc::ptr_eq(&first, &verifier.verified.get(&token).unwrap()));
    // Another signature of the same claims is another token.
    let (message, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode([0; 64]));
    assert!(matches!(verifier.verify(&forged).await, Err(VerifyError::Invalid(_))));
    assert!(verifier.verified.get(&forged).is_none());
}

#[tokio::test]
async fn a_token_that_was_verified_is_refused_once_it_is_denied() {
    let (first, second) = (key(1), key(2));
    let denied = DenyList::default();
    let verifier = verifier(&[&first, &second], &Clock::manual(NOW)).with_deny_list(denied.clone());
    let until = NOW + ACCESS_TOKEN_LIFETIME;
    let (over, other) = (claims(), claims());
    let tokens = [&first, &second].map(|key| [&over, &other].map(|claims| key.sign(claims).unwrap()));
    for token in tokens.as_flattened() {
        verifier.verify(token).await.unwrap();
    }
    denied.add(Denial::Session { id: over.sid, until }, NOW);
    for [of_over, of_other] in &tokens {
        assert!(matches!(verifier.verify(of_over).await, Err(VerifyError::SessionOver)));
        verifier.verify(of_other).await.unwrap();
    }
    let kid = first.kid().to_owned();
    denied.add(Denial::Key { kid, until }, NOW);
    let [by_first, by_second] = &tokens;
    assert!(matches!(
        verifier.verify(&by_first[1]).await,
        Err(VerifyError::Invalid(_))
    ));
    verifier.verify(&by_second[1]).await.unwrap();
}

#[tokio::test]
async fn a_token_that_was_verified_is_refused_once_its_key_is_removed_or_replaced() {
    let (key, other) = (key(1), self::key(2));
    let current = Arc::new(std::sync::Mutex::new(Arc::new(Keyring::new(&jwks(&[&key, &other])))));
    let keys = Arc::clone(&current);
    let verifier = Verifier::with_local_keys(
        move || Arc::clone(&keys.lock().unwrap()),
        DEFAULT_ISSUER,
        DEFAULT_AUDIENCE,
        Clock::manual(NOW),
    );
    let publish = |jwks: &Jwks| *current.lock().unwrap() = Arc::new(Keyring::new(jwks));
    let token = key.sign(&claims()).unwrap();
    verifier.verify(&token).await.unwrap();
    // The same key in a new set.
    publish(&jwks(&[&key]));
    verifier.verify(&token).await.unwrap();
    let mut replaced = jwks(&[&other]);
    replaced.keys[0].kid = key.kid().to_owned();
    for keys in [jwks(&[&other]), replaced] {
        publish(&keys);
        assert!(matches!(verifier.verify(&token).await, Err(VerifyError::Invalid(_))));
    }
    publish(&jwks(&[&key]));
    verifier.verify(&token).await.unwrap();
}

#[tokio::test]
async fn a_token_with_another_issuer_audience_or_time_is_refused() {
    let key = key(1);
    let verifier = verifier(&[&key], &Clock::manual(NOW));
    let (now, good) = (NOW.seconds(), claims());
    for (what, claims) in [
        (
            "another issuer",
            Claims {
                iss: "other".to_owned(),
                ..good.clone()
            },
        ),
        (
            "no issuer",
            Claims {
                iss: String::new(),
                ..good.clone()
            },
        ),
        (
            "another audience",
            Claims {
                aud: "other".to_owned(),
                ..good.clone()
            },
        ),
        (
            "signed in the future",
            Claims {
                iat: now + 6,
                ..good.clone()
            },
        ),
        (
            "valid from the future on",
            Claims {
                nbf: Some(now + 6),
                ..good.clone()
            },
        ),
        (
            "expires at once",
            Claims {
                exp: now,
                ..good.clone()
            },
        ),
        (
            "expired long ago",
            Claims {
                iat: 0,
                exp: 1,
                ..good.clone()
            },
        ),
        (
            "expired at the smallest time",
            Claims {
                iat: i64::MIN,
                exp: i64::MIN + 1,
                ..good.clone()
            },
        ),
    ] {
        assert!(verifier.verify(&key.sign(&claims).unwrap()).await.is_err(), "{what}");
    }
    let skewed = Claims {
        iat: now + 5,
        nbf: Some(now + 5),
        exp: i64::MAX,
        ..good
    };
    verifier.verify(&key.sign(&skewed).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_forged_token_is_refused() {
    let key = key(1);
    let verifier = verifier(&[&key], &Clock::manual(NOW));
    let good = key.sign(&claims()).unwrap();
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let other = Claims {
        sub: values::UserId::new(NOW),
        ..claims()
    };
    let other = encoded(&serde_json::to_value(other).unwrap());

    // Algorithm confusion: the public key is used as an HMAC secret.
    let secret = BASE64_URL_SAFE_NO_PAD.decode(&key.public().x).unwrap();
    let confused = format!("{}.{payload}", encoded(&json!({"alg": "HS256", "kid": key.kid()})));
    let tag = Hmac::<Sha256>::new_from_slice(&secret)
        .unwrap()
        .chain_update(&confused)
        .finalize();
    let confused = format!("{confused}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag.into_bytes()));

    let other_key = self::key(2);
    let mut our_header = Header::new(Algorithm::EdDSA);
    our_header.kid = Some(key.kid().to_owned());
    let forged = {
        let message = format!("{}.{payload}", encoded(&serde_json::to_value(&our_header).unwrap()));
        let signature = other_key.sign(&claims()).unwrap();
        format!("{message}.{}", signature.rsplit_once('.').unwrap().1)
    };
    let with = |header: Value| format!("{}.{payload}.{signature}", encoded(&header));

    for (what, token) in [
        (
            "no algorithm",
            format!("{}.{payload}.", encoded(&json!({"alg": "none", "kid": key.kid()}))),
        ),
        (
            "no algorithm, in other letters",
            with(json!({"alg": "nOnE", "kid": key.kid()})),
        ),
        ("a shared secret", confused),
        (
            "another algorithm's name",
            with(json!({"alg": "RS256", "kid": key.kid()})),
        ),
        ("no key's name", with(json!({"alg": "EdDSA"}))),
        ("an unknown key", other_key.sign(&claims()).unwrap()),
        ("another key's signature with our key id", forged),
        (
            "an unknown extension",
            with(json!({"alg": "EdDSA", "kid": key.kid(), "crit": ["exp"]})),
        ),
        ("the claims of another token", format!("{header}.{other}.{signature}")),
        ("no signature", format!("{message}.")),
        ("half a signature", format!("{message}.{}", &signature[..43])),
        ("four parts", format!("{good}.{signature}")),
        ("two parts", message.to_owned()),
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("no text", "\u{0}.\u{0}.\u{0}".to_owned()),
    ] {
        let answer = verifier.verify(&token).await;
        assert!(matches!(answer, Err(VerifyError::Invalid(_))), "{what}: {answer:?}");
    }
    verifier.verify(&good).await.unwrap();
}

#[tokio::test]
async fn a_signed_document_that_is_no_access_token_is_refused() {
    let key = key(1);
    let verifier = verifier(&[&key], &Clock::manual(NOW));
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(key.kid().to_owned());
    let signing = crate::crypto::encoding_key(&[1; 32]);
    let good = serde_json::to_value(claims()).unwrap();
    for (field, value) in [
        ("aud", json!(["ticketing", "other"])),
        ("sub", json!("root")),
        ("sub", Value::Null),
        ("exp", json!("tomorrow")),
        ("iat", Value::Null),
        ("sid", Value::Null),
    ] {
        let mut claims = good.clone();
        claims[field] = value;
        let token = jsonwebtoken::encode(&header, &claims, &signing).unwrap();
        let answer = verifier.verify(&token).await;
        assert!(matches!(answer, Err(VerifyError::Invalid(_))), "{field}: {answer:?}");
    }
    let token = jsonwebtoken::encode(&header, &good, &signing).unwrap();
    verifier.verify(&token).await.unwrap();
}

#[tokio::test]
async fn the_response_to_a_refused_token_does_not_contain_the_reason() {
    let refused = [
        VerifyError::Invalid("its issuer is another one"),
        VerifyError::Invalid("its key is unknown"),
    ];
    let [one, other] = refused.map(Problem::from);
    assert_eq!(one, other);
    assert_eq!(one.status(), 401);
    assert_eq!(Problem::from(VerifyError::Expired).status(), 401);
    assert_eq!(
        (DEFAULT_ISSUER, DEFAULT_AUDIENCE),
        ("ticketing", "ticketing"),
        "tokens outlive a release"
    );
}
