"""Sells a ticket through the pages at an address, buys it through them as somebody else, and reads its code.

Usage: buy_through_pages.py URL. Like a browser without scripts; the card is confirmed at Stripe's API as the card form does it.
Prints what it has bought. Exits with an error that names the page."""

import http.cookiejar
import re
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser

# How long it waits until something shows on a page, in seconds.
PATIENCE = 60
# How often a request is repeated that the ingress could not pass on.
ATTEMPTS = 5


class Page(HTMLParser):
    """The forms and links of a page, and the data of its elements."""

    def __init__(self, address: str, text: str):
        super().__init__()
        self.address, self.text = address, text
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.links: list[str] = []
        self.images: list[str] = []
        self.data: dict[str, str] = {}
        self.select = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        self.data.update({name: value for name, value in given.items() if name.startswith("data-")})
        if tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "img":
            self.images.append(given.get("src", ""))
        elif tag == "form":
            self.forms.append((given.get("action", ""), {}))
        elif not self.forms:
            return
        elif tag == "input" and "name" in given and (given.get("type") != "checkbox" or "checked" in given):
            self.forms[-1][1][given["name"]] = given.get("value", "")
        elif tag == "textarea" and "name" in given:
            self.forms[-1][1][given["name"]] = ""
        elif tag == "select":
            self.select = given.get("name", "")
        elif tag == "option" and self.select and ("selected" in given or self.select not in self.forms[-1][1]):
            self.forms[-1][1][self.select] = given.get("value", "")

    def handle_endtag(self, tag):
        if tag == "select":
            self.select = ""

    def form(self, action: str) -> dict[str, str]:
        """Returns the fields of the form that is sent to a path."""
        for path, fields in self.forms:
            if path == action:
                return dict(fields)
        raise SystemExit(f"{self.address} has no form for {action}:\n{self.text}")

    def link(self, pattern: str) -> str | None:
        """Returns the first link that matches a pattern."""
        return next((link for link in self.links if re.fullmatch(pattern, link)), None)


class Browser:
    """A person's browser, without scripts."""

    def __init__(self, site: str):
        self.site = site
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies)

    def request(self, path: str, form: dict[str, str] | None = None) -> tuple[str, bytes]:
        """Returns the address at which a request ends, after redirects, and the body."""
        address = urllib.parse.urljoin(self.site, path)
        body = urllib.parse.urlencode(form).encode() if form is not None else None
        headers = {"Origin": self.site, "Accept-Language": "en"}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                sent = urllib.request.Request(address, data=body, headers=headers)
                with self.opener.open(sent, timeout=30) as response:
                    return response.url, response.read()
            except urllib.error.HTTPError as error:
                if error.code < 502 or attempt == ATTEMPTS:
                    raise SystemExit(f"{address}: {error.code}\n{error.read().decode()}") from error
            time.sleep(attempt)
        raise AssertionError

    def open(self, path: str) -> Page:
        """Opens a page."""
        address, body = self.request(path)
        return Page(address, body.decode())

    def submit(self, page: Page, action: str, **fields: str) -> Page:
        """Sends a form of a page, filled in, and returns the page that it leads to."""
        address, body = self.request(action, page.form(action) | fields)
        return Page(address, body.decode())

    def wait_for(self, path: str, pattern: str) -> str:
        """Opens a page until it has a link that matches a pattern, and returns the link."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            page = self.open(path)
            if link := page.link(pattern):
                return link
            time.sleep(0.5)
        raise SystemExit(f"{path} has no link to {pattern}:\n{page.text}")

    def sign_up(self, name: str) -> None:
        """Creates an account."""
        email = f"{name}-{secrets.token_hex(8)}@example.com"
        page = self.submit(self.open("/signup"), "/signup", email=email, password=secrets.token_urlsafe(16))
        if not page.link("/account"):
            raise SystemExit(f"{name} is not signed in at {page.address}:\n{page.text}")


def confirm_card(page: Page) -> None:
    """Confirms the payment of an order's page with a card that succeeds."""
    secret = page.data["data-secret"]
    stripe = urllib.parse.urlsplit(page.data["data-script"])
    intent = secret.split("_secret_")[0]
    fields = {
        "key": page.data["data-key"],
        "client_secret": secret,
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": "4242424242424242",
        "payment_method_data[card][exp_month]": "12",
        "payment_method_data[card][exp_year]": "2040",
        "payment_method_data[card][cvc]": "123",
        "return_url": page.address,
    }
    api = f"{stripe.scheme}://{stripe.netloc}/v1/payment_intents/{intent}/confirm"
    with urllib.request.urlopen(api, urllib.parse.urlencode(fields).encode(), timeout=30) as response:
        response.read()


def main(site: str) -> None:
    """Sells and buys one ticket."""
    seller, buyer = Browser(site), Browser(site)
    seller.sign_up("seller")
    offer = {"title": "A night through the pages", "price": "19.99", "quantity": "5"}
    sales = seller.submit(seller.open("/sell/new"), "/sell/new", **offer)
    listing = urllib.parse.urlsplit(sales.address).path.removeprefix("/sell/")
    buyer.sign_up("buyer")
    event = buyer.open(f"/events/{listing}")
    order = buyer.submit(event, "/orders", quantity="1")
    path = urllib.parse.urlsplit(order.address).path
    if not path.startswith("/orders/"):
        raise SystemExit(f"the order ended at {order.address}:\n{order.text}")
    end = time.monotonic() + PATIENCE
    while "data-secret" not in order.data:
        if time.monotonic() > end:
            raise SystemExit(f"{path} has no card form:\n{order.text}")
        time.sleep(0.5)
        payment = f"{path}/payment"
        starts = any(action == payment for action, _ in order.forms)
        order = buyer.submit(order, payment) if starts else buyer.open(path)
    confirm_card(order)
    tickets = buyer.wait_for(path, r"/tickets\?order=.*")
    ticket = buyer.wait_for(tickets, "/tickets/[0-9a-f-]{36}")
    code = next(image for image in buyer.open(ticket).images if image.endswith("/qr.svg"))
    if b"<svg" not in buyer.request(code)[1]:
        raise SystemExit(f"{code} is no code")
    if not buyer.request(f"{ticket}/pass.pdf")[1].startswith(b"%PDF"):
        raise SystemExit(f"{ticket}/pass.pdf is no PDF")
    print(f"sold and bought through the pages: {site}{ticket}")


if __name__ == "__main__":
    main(sys.argv[1])
