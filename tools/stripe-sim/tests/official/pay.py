"""Drives the Stripe simulator with Stripe's own library, through whole payments. Run by ./pay."""

import queue
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import stripe

url, secret_key, publishable_key = sys.argv[1:]
client = stripe.StripeClient(secret_key, base_addresses={"api": url}, max_network_retries=2)
v1 = client.v1


def order(what, /, **form):
    """Calls a control of the simulator, which Stripe does not have."""
    body = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(f"{url}/_sim/{what}", data=body)
    request.add_header("Authorization", f"Bearer {secret_key}")
    urllib.request.urlopen(request, timeout=10).read()


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def payment(method="pm_card_visa", **more):
    return {
        "amount": 2000,
        "currency": "usd",
        "confirm": True,
        "payment_method": method,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        **more,
    }


class Receiver(BaseHTTPRequestHandler):
    letters = queue.Queue()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.letters.put((body, self.headers["Stripe-Signature"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def authorise_capture_and_refund():
    intent = v1.payment_intents.create(payment(capture_method="manual", metadata={"order_id": "7"}))
    assert intent.status == "requires_capture" and intent.amount_capturable == 2000, intent
    partly = {"amount_to_capture": 1500, "expand": ["latest_charge.balance_transaction"]}
    intent = v1.payment_intents.capture(intent.id, partly)
    assert (intent.status, intent.amount_received) == ("succeeded", 1500), intent
    assert intent.latest_charge.balance_transaction.net == 1500 - 74, intent.latest_charge
    part = {"payment_intent": intent.id, "amount": 500, "reason": "requested_by_customer"}
    refund = v1.refunds.create(part)
    assert (refund.status, refund.amount) == ("succeeded", 500), refund
    too_much = {"payment_intent": intent.id, "amount": 1001}
    error = refused(stripe.InvalidRequestError, lambda: v1.refunds.create(too_much))
    assert error.param == "amount", error
    assert v1.refunds.create({"payment_intent": intent.id}).amount == 1000
    error = refused(stripe.InvalidRequestError, lambda: v1.refunds.create({"payment_intent": intent.id}))
    assert error.code == "charge_already_refunded", error
    charge = v1.charges.retrieve(intent.latest_charge.id)
    assert charge.refunded and charge.amount_refunded == 1500, charge


def cancel():
    intent = v1.payment_intents.create(payment(capture_method="manual"))
    intent = v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert intent.status == "canceled" and intent.cancellation_reason == "abandoned", intent
    error = refused(stripe.InvalidRequestError, lambda: v1.payment_intents.capture(intent.id))
    assert error.code == "payment_intent_unexpected_state", error


def declines():
    for method, code, decline_code in [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ]:
        error = refused(stripe.CardError, lambda: v1.payment_intents.create(payment(method)))
        assert (error.http_status, error.code) == (402, code), error
        assert error.error.decline_code == decline_code, error
        assert error.error.payment_intent.status == "requires_payment_method", error


def three_d_secure_in_a_browser():
    browser = stripe.StripeClient(publishable_key, base_addresses={"api": url}).v1
    intent = v1.payment_intents.create({"amount": 700, "currency": "eur", "payment_method_types": ["card"]})
    secret = {"client_secret": intent.client_secret}
    card = {"payment_method": "pm_card_threeDSecure2Required", "return_url": "https://shop.example/done"}
    for outcome, status in [("fail", "requires_payment_method"), ("pass", "succeeded")]:
        asked = browser.payment_intents.confirm(intent.id, {**secret, **card})
        assert asked.status == "requires_action" and "metadata" not in asked, asked
        form = urllib.parse.urlencode({"outcome": outcome}).encode()
        page = asked.next_action.redirect_to_url.url
        back = refused(
            urllib.error.HTTPError, lambda: urllib.request.build_opener(Stay).open(page, data=form, timeout=10)
        )
        assert back.code == 303 and back.headers["Location"].startswith("https://shop.example/done?"), back
        assert browser.payment_intents.retrieve(intent.id, secret).status == status
    error = refused(stripe.PermissionError, lambda: browser.payment_intents.list())
    assert error.error.code == "secret_key_required", error


def idempotency():
    key = {"idempotency_key": "python-1"}
    first = v1.payment_intents.create(payment(), key)
    again = v1.payment_intents.create(payment(), key)
    assert first.id == again.id and again.last_response.headers["idempotent-replayed"] == "true"
    refused(stripe.IdempotencyError, lambda: v1.payment_intents.create(payment(amount=2001), key))
    # The library tries again by itself, with a key of its own: the answer was lost, the effect was not.
    before = len(list(v1.payment_intents.list({"limit": 100}).auto_paging_iter()))
    order("faults", method="POST", path="/v1/payment_intents", when="after", fault="cut")
    assert v1.payment_intents.create(payment()).status == "succeeded"
    after = len(list(v1.payment_intents.list({"limit": 100}).auto_paging_iter()))
    assert after == before + 1, (before, after)


def pages():
    for number in range(7):
        v1.payment_intents.create({"amount": 500 + number, "currency": "usd"})
    newest = v1.payment_intents.list({"limit": 1, "expand": ["data.latest_charge"]}).data[0]
    every = [intent.id for intent in v1.payment_intents.list({"limit": 2}).auto_paging_iter()]
    assert len(every) == len(set(every)) >= 7 and every[0] == newest.id
    old = v1.payment_intents.list({"created": {"lt": newest.created - 3600}})
    assert old.data == [] and not old.has_more
    for lists, least in [(v1.charges, 4), (v1.refunds, 2), (v1.events, 20), (v1.balance_transactions, 4)]:
        some = [item.id for item in lists.list({"limit": 3}).auto_paging_iter()]
        assert len(some) == len(set(some)) >= least, lists


def dispute():
    intent = v1.payment_intents.create(payment("pm_card_createDispute"))
    order("later")
    found = v1.disputes.list({"payment_intent": intent.id}).data[0]
    assert (found.status, found.reason, found.amount) == ("needs_response", "fraudulent", 2000), found
    error = refused(stripe.InvalidRequestError, lambda: v1.refunds.create({"payment_intent": intent.id}))
    assert error.code == "charge_disputed", error
    v1.disputes.update(found.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    order("later")
    won = v1.disputes.retrieve(found.id, {"expand": ["charge"]})
    assert won.status == "won" and won.charge.disputed, won
    assert sum(booking.net for booking in won.balance_transactions) == -1500, won


def refund_that_fails():
    intent = v1.payment_intents.create(payment("pm_card_refundFail"))
    refund = v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "succeeded", refund
    order("later")
    assert v1.refunds.retrieve(refund.id).status == "failed"


def webhooks():
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hook = f"http://127.0.0.1:{server.server_port}/hook"
    endpoint = v1.webhook_endpoints.create({"url": hook, "enabled_events": ["payment_intent.succeeded"]})
    intent = v1.payment_intents.create(payment())
    body, signature = Receiver.letters.get(timeout=10)
    event = stripe.Webhook.construct_event(body, signature, endpoint.secret)
    assert event.type == "payment_intent.succeeded" and event.data.object.id == intent.id, event
    assert v1.events.retrieve(event.id).data.object.id == intent.id
    refused(
        stripe.SignatureVerificationError,
        lambda: stripe.Webhook.construct_event(body + b" ", signature, endpoint.secret),
    )
    v1.webhook_endpoints.delete(endpoint.id)


def key():
    wrong = stripe.StripeClient("sk_test_wrong_0123456789", base_addresses={"api": url}).v1
    refused(stripe.AuthenticationError, lambda: wrong.payment_intents.list())


for step in [
    authorise_capture_and_refund,
    cancel,
    declines,
    three_d_secure_in_a_browser,
    idempotency,
    pages,
    dispute,
    refund_that_fails,
    webhooks,
    key,
]:
    step()
    print(f"ok: {step.__name__}")
