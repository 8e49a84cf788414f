//! Scanning with the camera.

use std::{fs, path::Path};

use serde_json::json;

use crate::{
    admissions::{FreeEvent, open_door},
    browser::{Browser, Setup},
    test_app::TestApp,
};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
const WHITE: u8 = 235;

/// Writes a video of one QR code, in the middle of the picture (YUV4MPEG2).
fn write_video(file: &Path, qr: &str) {
    let png = passes::png(qr).unwrap();
    let code = image::load_from_memory(&png).unwrap().into_luma8();
    let (left, top) = ((WIDTH - code.width()) / 2, (HEIGHT - code.height()) / 2);
    let size = usize::try_from(WIDTH * HEIGHT).unwrap();
    let mut frame = Vec::with_capacity(size * 3 / 2);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let pixel = x.checked_sub(left).zip(y.checked_sub(top));
            let pixel = pixel.and_then(|(x, y)| code.get_pixel_checked(x, y));
            frame.push(pixel.map_or(WHITE, |pixel| pixel.0[0].clamp(16, WHITE)));
        }
    }
    frame.resize(size * 3 / 2, 128);
    let mut video = format!("YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n").into_bytes();
    for _ in 0..10 {
        video.extend_from_slice(b"FRAME\n");
        video.extend_from_slice(&frame);
    }
    fs::write(file, video).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_admits_in_a_browser_without_a_detector_of_codes() {
    let app = TestApp::shared();
    let FreeEvent {
        api, listing, tickets, ..
    } = FreeEvent::with_tickets(&app, 1).await;
    let door = open_door(&api, &listing, "North gate").await;
    let folder = tempfile::tempdir().unwrap();
    let video = folder.path().join("ticket.y4m");
    write_video(&video, tickets[0]["qr"].as_str().unwrap());
    let arguments = [
        "--use-fake-ui-for-media-stream".to_owned(),
        "--use-fake-device-for-media-stream".to_owned(),
        format!("--use-file-for-fake-video-capture={}", video.display()),
    ];
    let helper = Browser::start_with("helper", &app.url(), Setup::default(), &arguments).await;
    let absent = json!({"source": "delete window.BarcodeDetector"});
    helper.dev_tools("Page.addScriptToEvaluateOnNewDocument", &absent).await;
    let loads = helper.first_load(&door).await;
    assert!(
        !loads.keys().any(|url| url.contains("jsqr")),
        "not before the camera starts: {loads:#?}"
    );
    // A second look at the same code, if the first one took seconds.
    helper.expect_console("status of 409");
    helper.press("Scan with the camera").await;
    helper.sees("Let this person in.").await;
    helper.press("Stop the camera").await;
    let check_ins = api.get(&format!("/api/v1/tickets/{listing}/check-ins")).await.json();
    assert_eq!(check_ins["items"][0]["admissionId"], tickets[0]["id"]);
}
