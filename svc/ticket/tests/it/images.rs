//! Pictures of listings.

use std::io::Cursor;

use chassis::Service;
use db::admin;
use events::Event;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::json;
use testkit::{Client, Method, Reply};
use ticket::Ticket;
use values::TicketId;

use crate::{TICKETS, concert, etag, id, sell, test_app::TestApp};

const RED: [u8; 3] = [220, 30, 30];
const GREEN: [u8; 3] = [30, 160, 30];

fn file(width: u32, height: u32, colour: [u8; 3], format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let image = RgbImage::from_pixel(width, height, Rgb(colour));
    DynamicImage::from(image).write_to(&mut file, format).unwrap();
    file.into_inner()
}

async fn upload(seller: &Client, path: &str, media_type: &str, file: Vec<u8>) -> Reply {
    let seller = seller.clone().with("content-type", media_type);
    seller
        .send_bytes(Method::PUT, &format!("{path}/image"), Some(file))
        .await
}

/// Returns the size and the first pixel of a JPEG.
fn decoded(reply: &Reply) -> ((u32, u32), [u8; 3]) {
    assert_eq!(reply.headers["content-type"], "image/jpeg");
    assert_eq!(reply.headers["x-content-type-options"], "nosniff");
    let image = image::load_from_memory_with_format(&reply.bytes, ImageFormat::Jpeg).unwrap();
    let image = image.into_rgb8();
    (image.dimensions(), image.get_pixel(0, 0).0)
}

fn is_close(pixel: [u8; 3], expected: [u8; 3]) -> bool {
    pixel
        .iter()
        .zip(expected)
        .all(|(is, expected)| is.abs_diff(expected) < 16)
}

#[tokio::test]
async fn a_seller_shows_a_picture_in_two_sizes_under_a_url_that_never_changes() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, concert(5)).await;
    assert_eq!(created.json()["image"], json!(null));
    let _ = app.client().get(&format!("{path}/image")).await.expect(404);

    let set = upload(&seller, &path, "image/png", file(1700, 850, RED, ImageFormat::Png)).await;
    let set = set.expect(200);
    assert_eq!(
        (set.text_at("/version"), set.text_at("/image/width")),
        ("2".into(), "1600".into())
    );
    assert_eq!(set.text_at("/image/height"), "800");
    assert_ne!(etag(&set), etag(&created));
    let shown = app.client().get(&path).await.expect(200);
    assert_eq!((shown.json(), etag(&shown)), (set.json(), etag(&set)));
    let listed = app.client().get(TICKETS).await.expect(200).json();
    assert_eq!(listed["items"][0]["image"], set.json()["image"]);
    app.env
        .wait_for_event(
            |event| matches!(event, Event::TicketUpdated(ticket) if ticket.id == id(&created) && ticket.version == 2),
        )
        .await;

    let url = set.text_at("/image/url");
    let large = app.client().get(&url).await.expect(200);
    let (size, pixel) = decoded(&large);
    assert_eq!(size, (1600, 800));
    assert!(is_close(pixel, RED), "{pixel:?}");
    assert_eq!(large.headers["cache-control"], "public, max-age=31536000, immutable");
    let small = app.client().get(&format!("{url}&width=640")).await.expect(200);
    assert_eq!(decoded(&small).0, (640, 320));
    assert_ne!(etag(&small), etag(&large));
    let known = app.client().with("if-none-match", etag(&large));
    let unchanged = known.get(&url).await.expect(304);
    assert!(unchanged.bytes.is_empty());
    let current = app.client().get(&format!("{path}/image?width=641")).await.expect(200);
    assert_eq!(
        (current.headers["cache-control"].to_str().unwrap(), etag(&current)),
        ("no-cache", etag(&large))
    );
    for bad in [
        "width=0",
        "width=10001",
        "width=x",
        "hash=x",
        "hash=5C1D3A0B7E924F68A1B2C3D4E5F60718",
        "size=1",
    ] {
        let _ = app.client().get(&format!("{path}/image?{bad}")).await.expect(400);
    }

    // The same pixels are no change, others have another URL.
    let same = upload(&seller, &path, "image/png", file(1700, 850, RED, ImageFormat::Png)).await;
    assert_eq!(same.expect(200).text_at("/version"), "2");
    let green = upload(&seller, &path, "image/webp", file(64, 64, GREEN, ImageFormat::WebP)).await;
    let green = green.expect(200);
    assert_eq!(green.text_at("/version"), "3");
    let _ = app.client().get(&url).await.expect(404);
    let (size, pixel) = decoded(&app.client().get(&green.text_at("/image/url")).await.expect(200));
    assert_eq!(size, (64, 64));
    assert!(is_close(pixel, GREEN), "{pixel:?}");

    // A change of the offer keeps the picture.
    let changed = seller.put(&path, concert(6)).await.expect(200);
    assert_eq!(changed.json()["image"], green.json()["image"]);
    for version in ["5", "5"] {
        let _ = seller.delete(&format!("{path}/image")).await.expect(204);
        let removed = app.client().get(&path).await.expect(200);
        assert_eq!(
            (removed.json()["image"].clone(), removed.text_at("/version")),
            (json!(null), version.to_owned())
        );
    }
    app.stop().await;
    let findings = admin::check(&app.env.database::<Ticket>(), &Ticket::SCHEMA, Ticket::INVARIANTS).unwrap();
    assert_eq!(findings, []);
}

#[tokio::test]
async fn only_the_seller_changes_a_picture_and_only_in_the_state_that_was_seen() {
    let mut app = TestApp::new().await;
    let ((_, seller), (_, other)) = (app.user(), app.user());
    let (path, created) = sell(&seller, concert(5)).await;
    let picture = || file(16, 16, RED, ImageFormat::Jpeg);
    let _ = upload(&app.client(), &path, "image/jpeg", picture()).await.expect(401);
    let _ = app.client().delete(&format!("{path}/image")).await.expect(401);
    let _ = upload(&other, &path, "image/jpeg", picture()).await.expect(403);
    let missing = format!("{TICKETS}/{}", TicketId::new(app.now()));
    let _ = upload(&seller, &missing, "image/jpeg", picture()).await.expect(404);
    let seen = seller.clone().with("if-match", etag(&created));
    let set = upload(&seen, &path, "image/jpeg", picture()).await.expect(200);
    let stale = upload(&seen, &path, "image/jpeg", file(16, 16, GREEN, ImageFormat::Jpeg)).await;
    assert_eq!(stale.expect(412).problem().0, "stale");
    let _ = seen.delete(&format!("{path}/image")).await.expect(412);
    let _ = seen.put(&path, concert(6)).await.expect(412);
    let _ = other.delete(&format!("{path}/image")).await.expect(403);
    assert_eq!(etag(&app.client().get(&path).await.expect(200)), etag(&set));

    // A withdrawn listing keeps its picture, unless the seller removes it.
    let _ = seller.delete(&path).await.expect(204);
    let refused = upload(&seller, &path, "image/jpeg", file(16, 16, GREEN, ImageFormat::Jpeg)).await;
    assert_eq!(refused.expect(409).problem().0, "ticket-withdrawn");
    let withdrawn = app.client().get(&path).await.expect(200);
    let _ = app.client().get(&withdrawn.text_at("/image/url")).await.expect(200);
    let _ = seller.delete(&format!("{path}/image")).await.expect(204);
    let removed = app.client().get(&path).await.expect(200);
    assert_eq!(
        (removed.json()["image"].clone(), removed.text_at("/version")),
        (json!(null), "3".to_owned())
    );
    assert_ne!(etag(&removed), etag(&withdrawn));
    app.stop().await;
}

#[tokio::test]
async fn hostile_files_are_refused_and_change_nothing() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, concert(5)).await;
    let png = file(32, 32, RED, ImageFormat::Png);
    let jpeg = file(32, 32, RED, ImageFormat::Jpeg);
    let webp = file(32, 32, RED, ImageFormat::WebP);
    let mut bomb = jpeg.clone();
    let frame = bomb.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    bomb[frame + 5..frame + 9].fill(0xff);
    let script = b"<script>alert(1)</script>".to_vec();
    let truncated = |file: &[u8]| file[..file.len() - 9].to_vec();
    for (media_type, file, status, kind) in [
        ("image/png", jpeg.clone(), 415, "unsupported-media-type"),
        ("image/jpeg", png.clone(), 415, "unsupported-media-type"),
        (
            "image/webp",
            b"GIF89a\x01\0\x01\0".to_vec(),
            415,
            "unsupported-media-type",
        ),
        (
            "image/gif",
            b"GIF89a\x01\0\x01\0".to_vec(),
            415,
            "unsupported-media-type",
        ),
        ("image/svg+xml", b"<svg/>".to_vec(), 415, "unsupported-media-type"),
        ("text/html", script.clone(), 415, "unsupported-media-type"),
        ("application/json", b"{}".to_vec(), 415, "unsupported-media-type"),
        ("image/png", vec![], 415, "unsupported-media-type"),
        ("image/png", truncated(&png), 400, "invalid-image"),
        ("image/jpeg", truncated(&jpeg), 400, "invalid-image"),
        ("image/webp", truncated(&webp), 400, "invalid-image"),
        (
            "image/png",
            [png.clone(), script.clone()].concat(),
            400,
            "invalid-image",
        ),
        (
            "image/webp",
            [webp.clone(), script.clone()].concat(),
            400,
            "invalid-image",
        ),
        ("image/jpeg", bomb, 413, "payload-too-large"),
        ("image/jpeg", vec![0xff; 5 * 1024 * 1024 + 1], 413, "payload-too-large"),
    ] {
        let length = file.len();
        let refused = upload(&seller, &path, media_type, file).await.expect(status);
        assert_eq!(
            refused.problem().0,
            kind,
            "{media_type}, {length} bytes: {}",
            refused.text
        );
    }
    let encoded = seller.clone().with("content-encoding", "gzip");
    let _ = upload(&encoded, &path, "image/png", png).await.expect(415);
    let unchanged = app.client().get(&path).await.expect(200);
    assert_eq!(unchanged.json(), created.json());

    // As large as a file may be: the comment is left out.
    let mut large = jpeg[..2].to_vec();
    while large.len() + 65_537 + jpeg.len() < 5 * 1024 * 1024 {
        large.extend([0xff, 0xfe, 0xff, 0xff]);
        large.extend(vec![b'x'; 65_533]);
    }
    large.extend(&jpeg[2..]);
    let set = upload(&seller, &path, "image/jpeg", large).await.expect(200);
    let stored = app.client().get(&set.text_at("/image/url")).await.expect(200);
    assert!(stored.bytes.len() < 2000, "{} bytes", stored.bytes.len());
    app.stop().await;
}
