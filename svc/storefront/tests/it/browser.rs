use std::sync::{Arc, Mutex};

use reqwest::{Client, Method, Response, header, redirect::Policy};

use crate::html::Html;

/// A client with cookies, like a browser without scripts. It does not follow redirects by itself.
#[derive(Clone)]
pub(crate) struct Browser {
    http: Client,
    base: String,
    cookies: Arc<Mutex<Vec<Cookie>>>,
    headers: Vec<(&'static str, String)>,
}

/// A cookie as it was set.
#[derive(Clone, Debug)]
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) path: String,
    pub(crate) attributes: String,
}

/// A response with its body.
#[derive(Debug)]
pub(crate) struct Visited {
    pub(crate) status: u16,
    pub(crate) headers: header::HeaderMap,
    pub(crate) body: String,
    request: String,
}

impl Browser {
    pub(crate) fn new(base: String) -> Self {
        let http = Client::builder().redirect(Policy::none()).pool_max_idle_per_host(0);
        Self {
            http: http.build().unwrap(),
            base,
            cookies: Arc::default(),
            headers: Vec::new(),
        }
    }

    /// Sends a header with every request.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) async fn get(&self, path: &str) -> Visited {
        self.send(Method::GET, path, None).await
    }

    /// Sends a form.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Visited {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.send(Method::POST, path, Some(form.finish())).await
    }

    /// Sends a body that is no plain form.
    pub(crate) async fn post_bytes(&self, path: &str, content_type: &str, body: Vec<u8>) -> Visited {
        let request = self.http.post(format!("{}{path}", self.base)).body(body);
        let request = request.header(header::COOKIE, self.cookies_for(path));
        let response = request.header(header::CONTENT_TYPE, content_type).send().await.unwrap();
        Visited {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
            request: format!("POST {path}"),
        }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, form: Option<String>) -> Visited {
        let request = format!("{method} {path}");
        let response = self.request(method, path, form).await;
        Visited {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
            request,
        }
    }

    /// Sends a request, and stores the cookies of the response.
    pub(crate) async fn request(&self, method: Method, path: &str, form: Option<String>) -> Response {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let cookies = self.cookies_for(path);
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies);
        }
        if let Some(form) = form {
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form);
        }
        let response = request.send().await.unwrap();
        for line in response.headers().get_all(header::SET_COOKIE) {
            self.store(line.to_str().unwrap());
        }
        response
    }

    fn cookies_for(&self, path: &str) -> String {
        let cookies = self.cookies.lock().unwrap();
        let matches = |cookie: &&Cookie| cookie.path == "/" || path.starts_with(&cookie.path);
        let pairs = cookies.iter().filter(matches);
        let pairs: Vec<_> = pairs
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        pairs.join("; ")
    }

    fn store(&self, line: &str) {
        let (pair, attributes) = line.split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        let attribute = |wanted: &str| {
            let mut all = attributes
                .split(';')
                .filter_map(|attribute| attribute.trim().split_once('='));
            all.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
        };
        let path = attribute("Path").unwrap();
        let mut cookies = self.cookies.lock().unwrap();
        cookies.retain(|known| known.name != name || known.path != path);
        if attribute("Max-Age").as_deref() != Some("0") {
            cookies.push(Cookie {
                name: name.to_owned(),
                value: value.to_owned(),
                path,
                attributes: attributes.to_owned(),
            });
        }
    }

    /// Returns a cookie that the browser has.
    pub(crate) fn cookie(&self, name: &str) -> Option<Cookie> {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().find(|cookie| cookie.name == name).cloned()
    }

    pub(crate) fn cookies(&self) -> Vec<Cookie> {
        self.cookies.lock().unwrap().clone()
    }

    /// Loses a cookie, as when it expires.
    pub(crate) fn lose(&self, name: &str) {
        self.cookies.lock().unwrap().retain(|cookie| cookie.name != name);
    }

    /// Creates an account by its form.
    pub(crate) async fn sign_up(&self, email: &str) -> Visited {
        let page = self.get("/signup").await.expect(200);
        let key = page.html().value_of("key");
        let fields = [("email", email), ("password", crate::shop::PASSWORD), ("key", &key)];
        self.post("/signup", &fields).await.expect(303)
    }
}

impl Visited {
    /// Fails the test unless the response has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.request, self.body);
        self
    }

    /// Returns the page, which must be well-formed.
    #[track_caller]
    pub(crate) fn html(&self) -> Html {
        let html = Html::parse(&self.body);
        assert!(html.errors.is_empty(), "{}: {:#?}", self.request, html.errors);
        html
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        let value = value.unwrap_or_else(|| panic!("{}: no {name}", self.request));
        value.to_str().unwrap()
    }
}
