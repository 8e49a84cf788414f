#!/usr/bin/env python3
"""Tests of the ingress: the rendered template in a real nginx, in front of services that a test scripts.

scripts/check-ingress renders the template and runs this, with the paths of nginx and of the program that renders.
"""

import contextlib
import gzip
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

NGINX, RENDER = sys.argv[1:3]
TEMPLATE = Path(__file__).parent.parent / "nginx.conf.tpl"
PAGE = b"<!doctype html><title>API</title>"
PAGE_POLICIES = {
    "content-security-policy": "default-src 'none'; script-src 'self'",
    "permissions-policy": "camera=(self)",
    "referrer-policy": "same-origin",
}
SECRET = "dGhlLXRva2Vu"
LISTING = b'{"title":"' + b"x" * 4000 + b'"}'
ETAG = '"3"'
PROTECTION = {
    "content-security-policy": "frame-ancestors 'none'",
    "permissions-policy": "geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """Returns a free port for each name. They are chosen together, so no two are the same."""
    with contextlib.ExitStack() as probes:
        ports = {}
        for name in names:
            probe = probes.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports[name] = probe.getsockname()[1]
        return ports


def read_request(connection: socket.socket) -> tuple[str, dict, bytes]:
    """Returns the request line, the headers and the body."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            raise ConnectionError
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return line, headers, body


class Service:
    """A service whose `respond` returns the bytes to send, or None to close the connection without a response."""

    def __init__(self) -> None:
        self.requests = []
        self.respond = lambda number, line, headers, body: response(200, LISTING, {"etag": ETAG})
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def stop(self) -> None:
        # Also wakes the thread that accepts.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                request = read_request(connection)
                self.requests.append(request)
                answer = self.respond(len(self.requests), *request)
                if answer is not None:
                    connection.sendall(answer)
            except OSError:
                pass


def page(status: int, body: bytes = b"<!doctype html>", headers: dict | None = None) -> bytes:
    return response(status, body, {"content-type": "text/html; charset=utf-8", **PAGE_POLICIES, **(headers or {})})


def response(status: int, body: bytes, headers: dict | None = None) -> bytes:
    headers = {
        "content-type": "application/json",
        "content-length": len(body),
        "content-security-policy": "default-src 'none'",
        "x-content-type-options": "nosniff",
        "connection": "close",
        **(headers or {}),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode() + body


class Reply:
    def __init__(self, data: bytes) -> None:
        head, self.body = data.split(b"\r\n\r\n", 1)
        line, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(line.split()[1])
        self.headers = [(name.lower(), value.strip()) for name, value in (line.split(":", 1) for line in lines)]

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value


class Ingress(unittest.TestCase):
    tls = False

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        # The workers are another user.
        self.folder.chmod(0o755)
        self.service = Service()
        self.addCleanup(self.service.listener.close)
        self.storefronts = [self.storefront()]
        self.ports = free_ports(("http", "https", "retry", "admin"))
        (self.folder / "pages").mkdir()
        (self.folder / "pages" / "docs.html").write_bytes(PAGE)
        self.start(self.service.port)

    def storefront(self) -> Service:
        storefront = Service()
        storefront.respond = lambda *_: page(200)
        self.addCleanup(storefront.listener.close)
        return storefront

    def restart(self, balancers: str = "") -> None:
        self.ports = free_ports(self.ports)
        self.start(self.service.port, balancers)

    def start(self, port: int, balancers: str = "") -> None:
        services = self.folder / "services.json"
        names = ["auth", "ticket", "order", "payment", "expiration", "notification"]
        ports = {name: [port] for name in names} | {"storefront": [storefront.port for storefront in self.storefronts]}
        instances = {
            f"ticketing-{name}": [{"Address": "127.0.0.1", "Port": port} for port in ports]
            for name, ports in ports.items()
        }
        services.write_text(json.dumps(instances))
        environment = {
            **os.environ,
            "NOMAD_TASK_DIR": str(self.folder),
            "NOMAD_SECRETS_DIR": str(self.folder),
            "NOMAD_ADDR_admin": f"127.0.0.1:{self.ports['admin']}",
            "INGRESS_WORKERS": "1",
            "INGRESS_REQUESTS": "100",
            "INGRESS_TLS": str(self.tls).lower(),
            "INGRESS_REDIRECT": "false",
            "INGRESS_BALANCERS": balancers,
            **{f"NOMAD_PORT_{name}": str(port) for name, port in self.ports.items()},
        }
        rendered = subprocess.run([RENDER, TEMPLATE, services], env=environment, capture_output=True, check=True)
        config = self.folder / "nginx.conf"
        config.write_bytes(rendered.stdout)
        with open(self.folder / "log", "wb") as log, open(self.folder / "access.log", "wb") as access:
            nginx = subprocess.Popen([NGINX, "-c", config, "-p", self.folder], stdout=access, stderr=log)
        self.addCleanup(nginx.wait)
        self.addCleanup(nginx.terminate)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.ports["http"])) == 0:
                    return
            if nginx.poll() is not None:
                break
            time.sleep(0.02)
        self.fail((self.folder / "log").read_text())

    def request(
        self,
        method: str,
        path: str,
        headers: dict | None = None,
        body: bytes = b"",
        client: str = "127.0.0.1",
        tls: bool = False,
    ) -> Reply:
        headers = {"host": "shop.example", "connection": "close", **(headers or {})}
        if body:
            headers["content-length"] = len(body)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        address = ("127.0.0.1", self.ports["https" if tls else "http"])
        connection = socket.create_connection(address, timeout=60, source_address=(client, 0))
        if tls:
            context = ssl.create_default_context(cafile=self.folder / "tls.crt")
            connection = context.wrap_socket(connection, server_hostname="localhost")
        with connection:
            connection.sendall(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
            data = b""
            while part := connection.recv(65536):
                data += part
        return Reply(data)

    def test_the_etag_of_a_listing_stays_strong_and_an_edit_through_the_ingress_names_it(self) -> None:
        accepts = {"accept-encoding": "gzip"}
        listing = self.request("GET", "/api/v1/tickets/1", accepts)
        self.assertEqual(listing.one("etag"), ETAG)
        # A response that is compressed has a weak one, which is the strong one on its way back.
        created = self.request("POST", "/api/v1/tickets", accepts, b"{}")
        self.assertEqual(gzip.decompress(self.dechunk(created)), LISTING)
        self.assertEqual(created.one("etag"), f"W/{ETAG}")
        for tag in (listing.one("etag"), created.one("etag")):
            self.request("PATCH", "/api/v1/tickets/1", {"if-match": tag}, b"{}")
            self.assertEqual(self.service.requests[-1][1]["if-match"], ETAG)
        for other in ("*", '"1", "2"', 'W/"a", W/"b"'):
            self.request("PATCH", "/api/v1/tickets/1", {"if-match": other}, b"{}")
            self.assertEqual(self.service.requests[-1][1]["if-match"], other)
        self.request("PATCH", "/api/v1/tickets/1", {}, b"{}")
        self.assertNotIn("if-match", self.service.requests[-1][1])

    def dechunk(self, reply: Reply) -> bytes:
        if reply.all("transfer-encoding") != ["chunked"]:
            return reply.body
        body, rest = b"", reply.body
        while rest:
            size, rest = rest.split(b"\r\n", 1)
            size = int(size, 16)
            body, rest = body + rest[:size], rest[size + 2 :]
            if size == 0:
                break
        return body

    def test_a_write_whose_outcome_is_unknown_is_neither_repeated_nor_answered_with_503(self) -> None:
        self.service.respond = lambda *_: None
        for method, path, headers in [
            ("POST", "/api/v1/orders", {}),
            ("POST", "/api/v1/orders", {"idempotency-key": ""}),
            ("POST", "/api/v1/auth/signin", {"idempotency-key": "1"}),
            ("POST", "/api/v1/orders/1/cancel", {"idempotency-key": "1"}),
            ("PATCH", "/api/v1/tickets/1", {"idempotency-key": "1"}),
            ("DELETE", "/api/v1/tickets/1", {}),
        ]:
            self.service.requests.clear()
            reply = self.request(method, path, headers, b"{}")
            self.assertEqual(reply.status, 504, (method, path, headers))
            self.assertEqual(json.loads(reply.body)["status"], 504)
            self.assertEqual(reply.one("retry-after"), "2")
            self.assertEqual(len(self.service.requests), 1, (method, path, headers))

    def test_a_write_with_a_key_is_repeated_until_it_is_answered(self) -> None:
        answer = response(201, b"{}")
        self.service.respond = lambda number, *_: None if number < 3 else answer
        reply = self.request("POST", "/api/v1/orders", {"idempotency-key": "1"}, b"{}")
        self.assertEqual(reply.status, 201)
        self.assertEqual([body for _, _, body in self.service.requests], [b"{}"] * 3)

    def test_a_write_with_a_key_that_is_never_answered_has_an_unknown_outcome(self) -> None:
        self.service.respond = lambda *_: None
        reply = self.request("POST", "/api/v1/orders", {"idempotency-key": "1"}, b"{}")
        self.assertEqual(reply.status, 504)
        self.assertGreater(len(self.service.requests), 3)
        self.assertEqual(reply.all("x-sent"), [])

    def test_a_write_that_was_sent_once_has_an_unknown_outcome_also_if_the_service_is_gone_afterwards(self) -> None:
        def respond(*_) -> None:
            self.service.stop()

        self.service.respond = respond
        reply = self.request("POST", "/api/v1/orders", {"idempotency-key": "1"}, b"{}")
        self.assertEqual(reply.status, 504)

    def test_what_reached_no_service_is_503_and_nothing_was_done(self) -> None:
        self.service.stop()
        for method, headers in [("POST", {}), ("GET", {}), ("POST", {"idempotency-key": "1", "x-sent": "forged"})]:
            reply = self.request(method, "/api/v1/orders", headers)
            self.assertEqual(reply.status, 503, method)
            self.assertEqual(json.loads(reply.body)["status"], 503)

    def test_bodies_have_the_documented_limits(self) -> None:
        for path, limit in [("/api/v1/orders", 64 * 1024), ("/api/v1/payments/webhook", 192 * 1024)]:
            self.assertEqual(self.request("POST", path, body=b"x" * limit).status, 200, path)
            reply = self.request("POST", path, body=b"x" * (limit + 1))
            self.assertEqual(reply.status, 413, path)
            self.assertEqual(json.loads(reply.body)["type"], "urn:ticketing:problem:payload-too-large")

    def test_every_response_has_the_headers_that_protect_browsers_once(self) -> None:
        for method, path, status in [
            ("GET", "/docs", 200),
            ("GET", "/health", 404),
            ("GET", "/api/v1/nothing", 404),
            ("GET", "/api/v1/tickets", 200),
            ("GET", "/%ZZ", 400),
            ("BREW\x01", "/", 400),
        ]:
            reply = self.request(method, path)
            self.assertEqual(reply.status, status, path)
            for name, part in PROTECTION.items():
                self.assertIn(part, reply.one(name), path)
            self.assertEqual(reply.all("strict-transport-security"), [], "this is not TLS")
        self.service.respond = lambda *_: None
        reply = self.request("DELETE", "/api/v1/tickets/1")
        self.assertEqual(reply.status, 504)
        for name, part in PROTECTION.items():
            self.assertIn(part, reply.one(name))

    def test_over_tls_browsers_keep_to_it_for_all_subdomains(self) -> None:
        self.tls = True
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.folder / "tls.key"]
        name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", self.folder / "tls.crt"]
        subprocess.run(["openssl", "req", "-x509", *key, *name], check=True, capture_output=True)
        self.restart()
        for path in ("/", "/docs", "/health", "/api/v1/tickets"):
            reply = self.request("GET", path, tls=True)
            self.assertEqual(reply.one("strict-transport-security"), "max-age=31536000; includeSubDomains", path)

    def test_nobody_chooses_the_address_that_the_services_see(self) -> None:
        forged = {"x-forwarded-for": "203.0.113.9"}
        self.request("GET", "/api/v1/tickets", forged, client="127.0.0.5")
        self.assertEqual(self.service.requests[-1][1]["x-forwarded-for"], "127.0.0.5")

    def test_the_client_of_a_balancer_is_who_the_balancer_names(self) -> None:
        self.restart(balancers="127.0.0.5,127.0.0.6")
        for client, forwarded, expected in [
            ("127.0.0.5", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
            ("127.0.0.5", "203.0.113.9, 198.51.100.7, 127.0.0.6", "198.51.100.7"),
            ("127.0.0.7", "203.0.113.9", "127.0.0.7"),
        ]:
            self.request("GET", "/api/v1/tickets", {"x-forwarded-for": forwarded}, client=client)
            self.assertEqual(self.service.requests[-1][1]["x-forwarded-for"], expected)

    def test_what_is_no_part_of_the_api_is_a_page_except_what_is_for_operators(self) -> None:
        (storefront,) = self.storefronts
        for path in ("/", "/events/1", "/nothing", "/metricsx", "/apis", "/docs.html", "/assets/a.css"):
            self.assertEqual(self.request("GET", path).status, 200, path)
            self.assertEqual(storefront.requests[-1][0], f"GET {path} HTTP/1.1")
        storefront.requests.clear()
        for path in (
            *("/api", "/api/", "/api/v2/tickets", "/metrics", "/metrics/", "//metrics", "/%6detrics", "/a/../metrics"),
            *("/health", "/health/ready", "/health/live", "/docs/a", "/openapi.json/a"),
        ):
            reply = self.request("GET", path)
            self.assertEqual((reply.status, reply.one("content-type")), (404, "application/problem+json"), path)
        self.assertEqual(storefront.requests, [])

    def test_a_page_has_its_own_policies_also_after_a_retry(self) -> None:
        (storefront,) = self.storefronts
        storefront.respond = lambda number, *_: None if number in (2, 3) else page(404)
        for path in ("/nothing", "/retried"):
            reply = self.request("GET", path)
            self.assertEqual(reply.status, 404)
            for name, policy in PAGE_POLICIES.items():
                self.assertEqual(reply.one(name), policy, path)
            self.assertEqual(reply.one("x-content-type-options"), "nosniff")
        self.assertEqual(len(storefront.requests), 4)

    def test_no_service_but_the_storefront_decides_about_policies(self) -> None:
        self.service.respond = lambda *_: page(200)
        reply = self.request("GET", "/api/v1/tickets")
        for name, part in PROTECTION.items():
            self.assertIn(part, reply.one(name))

    def test_a_failure_of_the_ingress_is_shown_to_people_as_a_page(self) -> None:
        (storefront,) = self.storefronts
        storefront.respond = lambda *_: None
        replies = [(self.request("POST", "/signin", body=b"a=b"), 504)]
        replies.append((self.request("POST", "/orders", body=b"x" * (64 * 1024 + 1)), 413))
        storefront.stop()
        replies += [(self.request("GET", path), 503) for path in ("/", f"/reset/{SECRET}")]
        for reply, status in replies:
            self.assertEqual(reply.status, status)
            self.assertEqual(reply.one("content-type"), "text/html; charset=utf-8")
            self.assertIn(b"<h1>", reply.body)
            for name, part in PROTECTION.items():
                self.assertIn(part, reply.one(name), status)
        self.assertEqual(len(storefront.requests), 1)

    def test_secrets_in_paths_are_not_logged_also_if_the_storefront_is_gone(self) -> None:
        pages = ("confirm", "reset", "change-email", "transfers")
        paths = [f"/{name}/{SECRET}" for name in pages] + [f"/%63onfirm/{SECRET}", f"//reset/{SECRET}/a?b=c"]
        for path in paths:
            self.assertEqual(self.request("GET", path).status, 200)
        for path in ("/events/1", f"/api/v1/transfers/{SECRET}/accept"):
            self.request("GET", path)
        self.storefronts[0].stop()
        self.service.stop()
        forms = ["signin", "signin/code", "signup"]
        for path in [paths[0], *(f"/{form}?next=/transfers/{SECRET}" for form in forms)]:
            self.assertEqual(self.request("POST", path).status, 503)
        self.assertEqual(self.request("POST", f"/api/v1/transfers/{SECRET}/accept").status, 503)
        logged = [json.loads(line)["path"] for line in (self.folder / "access.log").read_text().splitlines()]
        redacted = [f"/{name}/{{token}}" for name in (*pages, "confirm", "reset")]
        offer, failed = "/api/v1/transfers/{token}", ["/confirm/{token}", *(f"/{form}" for form in forms)]
        self.assertEqual(logged, [*redacted, "/events/1", offer, *failed, offer])
        self.assertNotIn(SECRET, (self.folder / "log").read_text())

    def test_the_secret_in_a_path_is_not_logged_also_if_its_response_was_retried_and_is_buffered(self) -> None:
        (storefront,) = self.storefronts
        is_sent = threading.Event()

        def serve(connection: socket.socket) -> None:
            with connection:
                storefront.requests.append(read_request(connection))
                if len(storefront.requests) > 1:
                    connection.sendall(page(200, b"x" * (6 * 1024 * 1024)))
                    is_sent.set()

        storefront.serve = serve
        with socket.create_connection(("127.0.0.1", self.ports["http"]), timeout=30) as connection:
            connection.sendall(f"GET /reset/{SECRET} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n".encode())
            # More than the buffers of sockets: nginx writes it to a file, and logs that.
            self.assertTrue(is_sent.wait(60))
            while connection.recv(65536):
                pass
        self.assertEqual(len(storefront.requests), 2)
        self.assertNotIn(SECRET, (self.folder / "log").read_text())

    def test_forms_have_the_limit_of_requests_and_those_with_a_picture_a_larger_one(self) -> None:
        for path, limit in [("/orders", 64 * 1024), ("/sell/1/image", 6 * 1024 * 1024)]:
            self.assertEqual(self.request("POST", path, body=b"x" * limit).status, 200, path)
            self.assertEqual(self.request("POST", path, body=b"x" * (limit + 1)).status, 413, path)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_a_network_has_a_hundred_requests_at_the_same_time_besides_its_streams(self) -> None:
        (storefront,) = self.storefronts
        self.restart(balancers="127.0.0.1")

        def address(network: int, host: int) -> dict:
            return {"x-forwarded-for": f"2001:db8:0:{network}::{host:x}"}

        for client, network in [("127.0.0.5", lambda _: {}), ("127.0.0.1", lambda host: address(1, host + 1))]:
            end, storefront.requests = threading.Event(), []

            def respond(_: int, line: str, *_rest: object, end: threading.Event = end) -> bytes:
                if "/wait" in line or "/live" in line:
                    end.wait(60)
                return page(200)

            storefront.respond = respond
            paths = ["/wait"] * 100 + ["/events/1/live"] * 20
            with ThreadPoolExecutor(len(paths)) as pool:
                try:
                    waiting = [
                        pool.submit(self.request, "GET", path, network(host), client=client)
                        for host, path in enumerate(paths)
                    ]
                    self.wait_until(lambda: len(storefront.requests) == len(paths))
                    for path, kind in [("/", "text/html; charset=utf-8"), ("/api/v1/tickets", "application/problem+json")]:
                        refused = self.request("GET", path, network(1000), client=client)
                        self.assertEqual((refused.status, refused.one("content-type")), (429, kind))
                        self.assertEqual(refused.one("retry-after"), "2")
                        for name, part in PROTECTION.items():
                            self.assertIn(part, refused.one(name))
                    for other, headers in [("127.0.0.6", {}), ("127.0.0.1", address(2, 1))]:
                        self.assertEqual(self.request("GET", "/", headers, client=other).status, 200)
                finally:
                    end.set()
                self.assertEqual({reply.result().status for reply in waiting}, {200})
            self.assertEqual(self.request("GET", "/", network(1), client=client).status, 200)

    def test_a_client_that_does_not_read_has_a_bounded_part_of_a_response_in_a_file(self) -> None:
        (storefront,) = self.storefronts
        mebibytes, sent, is_blocked = 64, [], threading.Event()

        def serve(connection: socket.socket) -> None:
            with connection, contextlib.suppress(TimeoutError):
                read_request(connection)
                connection.settimeout(2)
                connection.sendall(page(200, b"", {"content-length": mebibytes * 1024 * 1024}))
                for number in range(mebibytes):
                    connection.sendall(b"x" * (1024 * 1024))
                    sent.append(number)
            is_blocked.set()

        storefront.serve = serve
        with socket.create_connection(("127.0.0.1", self.ports["http"]), timeout=30) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n")
            self.assertTrue(is_blocked.wait(60))
        # What the buffers of sockets hold is added to the file.
        self.assertLess(len(sent), mebibytes / 2)

    def test_events_arrive_when_they_are_sent_also_after_a_retry(self) -> None:
        (storefront,) = self.storefronts
        for retries in (False, True):
            received, storefront.requests = threading.Event(), []
            storefront.serve = lambda connection: self.send_events(storefront, connection, received, retries)
            with socket.create_connection(("127.0.0.1", self.ports["http"]), timeout=30) as connection:
                headers = "host: shop.example\r\naccept-encoding: gzip\r\nconnection: close\r\n"
                connection.sendall(f"GET /events/1/live HTTP/1.1\r\n{headers}\r\n".encode())
                data = b""
                while b"data: 1" not in data:
                    part = connection.recv(65536)
                    self.assertTrue(part, data)
                    data += part
                # The storefront sends the second event only now.
                received.set()
                while part := connection.recv(65536):
                    data += part
            self.assertIn(b"data: 2", data)
            self.assertNotIn(b"x-accel", data.lower())
            self.assertEqual(len(storefront.requests), 2 if retries else 1)

    def send_events(self, storefront: Service, connection: socket.socket, received: threading.Event, retries: bool) -> None:
        with connection:
            storefront.requests.append(read_request(connection))
            if retries and len(storefront.requests) == 1:
                return
            headers = "content-type: text/event-stream\r\nx-accel-buffering: no\r\nconnection: close\r\n"
            connection.sendall(f"HTTP/1.1 200 OK\r\n{headers}\r\ndata: 1\n\n".encode())
            if received.wait(60):
                connection.sendall(b"data: 2\n\n")

    def test_an_asset_is_found_while_only_one_instance_of_the_storefront_has_it(self) -> None:
        old, new = self.storefronts = [self.storefront(), self.storefront()]
        old.respond = lambda *_: page(404)
        self.restart()
        for _ in range(4):
            self.assertEqual(self.request("GET", "/assets/new.css").status, 200)
        self.assertGreater(len(old.requests), 0)
        new.respond = lambda *_: page(404)
        self.assertEqual(self.request("GET", "/assets/none.css").status, 404)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=1)
