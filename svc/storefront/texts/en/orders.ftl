# The page of an order, from the first click to the refund.
order-title = Your order
order-take-free = Your tickets are free
order-take-free-explanation = We hold them for you. Take them before the time is up.
order-take-free-button = Take the tickets
order-start-payment = Pay for your tickets
order-start-payment-explanation = We hold your tickets until the time is up.
order-start-payment-button = Pay by card
order-enter-card = Pay by card
order-enter-card-explanation = We hold your tickets until the time is up. Your card is charged only when the tickets are yours.
order-ask-bank = Your bank asks you
order-ask-bank-explanation = Your bank wants you to approve this payment before the time is up.
order-ask-bank-button = Continue with your bank
order-processing = We are completing your order
order-processing-explanation = This takes a few seconds. The page updates by itself. You can also come back later: your order is safe.
order-payment-unknown = We cannot see your payment at the moment
order-payment-unknown-explanation = Your tickets stay held, and you are charged once at most. The page updates by itself.
order-time-up = Your time is up
order-time-up-explanation = We are releasing your tickets. You are not charged.
order-complete = The tickets are yours
order-complete-explanation = We email them to you. You also find them under “My tickets”, where you can show or print them.
order-partly-refunded = Some of your tickets are refunded
order-partly-refunded-explanation = The other tickets are still yours.
order-refunded = Your tickets are refunded
order-refunded-explanation = They are not valid any more.
order-money-back = The money goes back to the card that you paid with.
order-expired = Your order has expired
order-expired-explanation = It was not completed in time, so the tickets are on sale again.
order-cancelled = You cancelled this order
order-cancelled-explanation = The tickets are on sale again.
order-payment-failed = The payment did not succeed
order-payment-failed-explanation = The order has ended, and the tickets are on sale again.
order-withdrawn = The event was withdrawn
order-withdrawn-explanation = The seller no longer offers these tickets.
order-not-charged = You were not charged.
order-releasing = The bank's reservation on your card is being released. You are not charged.
order-released = You were not charged. If your bank still shows a reserved amount, it disappears by itself within a few days.
order-disputed = Your bank is looking into this charge. Until it has decided, nothing is refunded here.

order-held-until = Held for you until
order-time-left = { $minutes ->
    [one] one minute left
   *[other] { $minutes } minutes left
}
order-less-than-a-minute = less than a minute left
order-announce-five = Five minutes are left to pay.
order-announce-one = One minute is left to pay.
order-announce-over = The time to pay is up.
order-refresh = Refresh this page
order-needs-script = Paying by card needs JavaScript, because the card form comes from our payment provider. Turn JavaScript on, then reload this page.
order-card-loading = Loading the card form…
order-card-unavailable = The card form could not be loaded. Check your connection and reload this page.
order-card-pay = Pay { $amount }
order-card-paying = Paying…
order-card-failed = The payment could not be sent. You were not charged. Please try again.
order-card-unknown = No answer came. We are checking whether the payment went through; you are charged once at most.
order-card-processing = Your bank has accepted. We are completing your order…
order-cancel = Cancel this order
order-cancel-explanation = Your tickets go back on sale at once. You are not charged. After several cancelled or unpaid orders you have to wait before you can order again.
order-again = Order again
order-see-event = Back to the event
order-see-tickets = Show my tickets

order-event = Event
order-when = When
order-where = Where
order-quantity = Tickets
order-price = Price per ticket
order-sum = Total
order-free = Free
order-refunded-amount = Refunded
order-placed-at = Ordered
order-number = Order number

order-declined-generic = Your bank declined the card. Try another card, or ask your bank.
order-declined-funds = The card has insufficient funds. Use another card.
order-declined-expired = The card has expired. Use another card.
order-declined-number = The card number is incorrect. Correct it, or use another card.
order-declined-cvc = The security code is incorrect. Correct it, or use another card.
order-declined-limit = The card has reached its limit. Use another card, or ask your bank.
order-declined-authentication = Your bank could not confirm that it was you. Try again, or use another card.
order-declined-unsupported = The card does not support this purchase. Use another card.
order-declined-temporary = Your bank could not process the payment. Try again in a moment.
order-declined-test = Only test cards work here, and test cards work nowhere else. Use another card.
order-declined-duplicate = A payment of the same amount was made with this card a moment ago. Check whether you have already paid.
order-declined-lapsed = The payment did not go through. You were not charged. Try again.

order-notice-too-many-cards = { $minutes ->
    [one] Too many cards were tried. You were not charged. You can try again in one minute.
   *[other] Too many cards were tried. You were not charged. You can try again in { $minutes } minutes.
}
order-notice-not-payable = These tickets cannot be paid by card. Please contact the seller.
order-notice-no-payment = Our payment service does not respond. You were not charged, and your tickets stay held. Please try again.
order-notice-refund-seller-left = The seller has left or is about to leave, and decides nothing more. Please write to us.
order-notice-refund-impossible = This refund is not possible any more. See below what has happened.
order-notice-refund-too-many = This was asked too often. Please write to us.
order-notice-refund-quantity = Choose how many tickets to give back.
order-notice-refund-reason = The reason is too long. Use at most 500 characters.

refund-heading = Refund
refund-terms-automatic = Until { $until } a refund is approved at once, without asking the seller.
refund-terms-seller = The seller decides about your request.
refund-terms-money = For each refunded ticket, { $price } goes back to your card within a few days.
refund-tickets-void = Refunded tickets are not valid any more.
refund-given-away = This can include tickets that you gave away.
refund-quantity = How many tickets do you want to give back? (1 to { $most })
refund-reason = Reason (optional)
refund-button = Ask for a refund
refund-button-final = Give back now and get the money
refund-button-final-free = Give back now
refund-open = Give tickets back
refund-list = Your requests
refund-row = { $quantity ->
    [one] One ticket, { $amount }
   *[other] { $quantity } tickets, { $amount }
}
refund-requested = The seller has not decided yet. Until then your tickets stay valid. You get an email about the decision.
refund-approved = Approved. The money is on its way to your card.
refund-approved-free = Approved.
refund-declined = The seller declined the request.
refund-paid = Paid back to your card.
refund-paid-free = Given back.
refund-failed = The bank refused this refund.
refund-failed-again = The tickets of a refund that the bank refused stayed yours. You can ask again:

orders-title = Your orders
orders-empty = You have not ordered anything yet.
orders-browse = Browse events
orders-item = { $quantity ->
    [one] One ticket, { $total }
   *[other] { $quantity } tickets, { $total }
}
orders-more = Older orders
orders-newest = Newest orders
orders-state-open = Waiting for your payment
orders-state-processing = Being completed
orders-state-complete = Complete
orders-state-partly-refunded = Partly refunded
orders-state-refunded = Refunded
orders-state-expired = Expired
orders-state-cancelled = Cancelled
orders-state-payment-failed = Payment failed
orders-state-withdrawn = Event withdrawn

refused-title = Not ordered
refused-sold-out = These tickets are gone
refused-sold-out-explanation = Somebody else was faster: fewer tickets are left than you wanted. If others do not pay in time, tickets come back.
refused-price = The price has changed
refused-price-explanation = A ticket now costs { $price }. Nothing was ordered.
refused-outdated = The event has just been changed
refused-outdated-explanation = Look at it again before you order. Nothing was ordered.
refused-limit = You cannot have that many tickets
refused-limit-explanation = One person can buy only a limited number of tickets for this event, and what you hold already counts.
refused-open-orders = You have too many unpaid orders
refused-open-orders-explanation = Pay or cancel one of them, then order again.
refused-unpaid = Please wait before you order again
refused-unpaid-explanation = { $minutes ->
    [one] Your last orders for this event were cancelled or not paid. To keep the sale fair, you can order again in one minute.
   *[other] Your last orders for this event were cancelled or not paid. To keep the sale fair, you can order again in { $minutes } minutes.
}
refused-withdrawn = The event was withdrawn
refused-withdrawn-explanation = The seller no longer offers these tickets.
refused-begun = The event has begun
refused-begun-explanation = Tickets are no longer sold.
refused-early = The sale has not begun
refused-early-explanation = Come back when it begins. The page of the event shows when.
refused-ended = The sale has ended
refused-ended-explanation = Tickets are no longer sold.
refused-own = This is your own event
refused-own-explanation = You cannot order your own tickets.
refused-second-factor = This seller wants you to sign in with a second factor
refused-second-factor-explanation = Set it up in your account and sign in with it, then order again.
refused-address = Confirm your address first
refused-address-explanation = We have sent you a mail with a link. Open it, then order again.
refused-quantity = Choose how many tickets you want
refused-quantity-explanation = Choose a whole number of tickets, at least one.
refused-account = Go to your account
refused-orders = See your orders
