use poem_openapi::OpenApiService;
use serde_json::Value;

use crate::http::security_headers::policy_of_contents;

/// The page that shows `/openapi.json`.
pub(super) const PAGE: &str = include_str!("docs.html");

/// How the page gets the document.
const FETCH: &str = r#"fetch("openapi.json").then((response) => response.json()).then(show);"#;

const CHARSET: &str = r#"<meta charset="utf-8">"#;

/// Returns the script of Swagger UI.
pub(super) fn script() -> String {
    part(&html(), "<script charset=\"UTF-8\">", "</script>\n</head>")
}

/// Returns the style sheet of Swagger UI.
pub(super) fn style() -> String {
    part(&html(), "<style charset=\"UTF-8\">", "</style>")
}

/// poem-openapi has the files of Swagger UI only within its page.
fn html() -> String {
    OpenApiService::new((), "", "").swagger_ui_html()
}

fn part(page: &str, start: &str, end: &str) -> String {
    let part = page
        .split_once(start)
        .and_then(|(_, rest)| rest.split_once(end))
        .map(|(part, _)| part);
    part.unwrap_or_default().to_owned()
}

/// Returns a page of a document as one file: for a web server that sends files.
pub fn swagger_ui_page(document: &Value) -> String {
    // A script inside the document would end the page's script early.
    let document = document.to_string().replace("</", "<\\/");
    let page = PAGE
        .replace(
            r#"<link rel="stylesheet" href="docs/swagger-ui.css">"#,
            &format!("<style>{}</style>", style()),
        )
        .replace(FETCH, &format!("show({document});"))
        .replace(
            r#"<script src="docs/swagger-ui.js"></script>"#,
            &format!("<script>{}</script>", script()),
        );
    let policy = policy_of_contents(&page);
    let meta = format!("{CHARSET}\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">");
    page.replacen(CHARSET, &meta, 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_files_of_swagger_ui_are_found_in_the_page_of_poem() {
        assert!(script().contains("SwaggerUIBundle"));
        assert!(style().contains(".swagger-ui"));
        assert!(!script().contains("<style") || script().len() > 1_000_000);
    }

    #[test]
    fn the_page_of_one_file_holds_the_document() {
        let page = swagger_ui_page(&json!({"info": {"title": "of mine </script>"}}));
        assert!(page.starts_with("<!doctype html>"));
        assert!(page.contains(r#"show({"info":{"title":"of mine <\/script>"}});"#));
        assert!(!page.contains("fetch(\"openapi.json\")"));
        // Two scripts and a style are in the page.
        let (_, policy) = page
            .split_once("http-equiv=\"Content-Security-Policy\" content=\"")
            .unwrap();
        let (policy, _) = policy.split_once('"').unwrap();
        assert_eq!(policy.matches("'sha256-").count(), 3, "{policy}");
        assert!(page.contains(&script()) && page.contains(&style()));
        assert!(!page.contains("docs/swagger-ui"));
    }
}
