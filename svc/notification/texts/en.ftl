# The mails in English. A blank line separates paragraphs.

greeting = Hello,
greeting-name = Hello { $name },
footer = You get this mail because of your account or your tickets at { $host }. It was written automatically.

label-event = Event
label-time = When
label-venue = Where
label-tickets = Tickets
label-total = Total
label-order = Order
label-amount = Amount

confirm-email-subject = Confirm your email address
confirm-email-body =
    Please confirm that this is your email address. Then you can buy and sell tickets.

    The link can be used for 24 hours. If you have not signed up, ignore this mail.
confirm-email-action = Confirm address

email-taken-subject = You already have an account
email-taken-body =
    Somebody, perhaps you, tried to sign up with this email address. There is an account with it already, so no new one was created.

    You can sign in, or set a new password if you have forgotten yours. If it was not you, nothing needs to be done.
email-taken-action = Sign in

reset-password-subject = Set a new password
reset-password-body =
    A new password was requested for your account. With it, you are signed out everywhere else.

    The link can be used once, within 30 minutes. If you do not want a new password, ignore this mail: nothing changes.
reset-password-action = Set a new password

password-changed-subject = Your password was changed
password-changed-body =
    The password of your account was changed on { $time }.

    If it was not you, set a new password at once.
password-changed-action = Open your account

confirm-new-email-subject = Confirm your new email address
confirm-new-email-body =
    The email address of an account is to be changed to this one. Please confirm that it is yours.

    The link can be used for 24 hours. If you do not know of this, ignore this mail.
confirm-new-email-action = Confirm address

approve-new-email-subject = Approve the change of your email address
approve-new-email-body =
    The email address of your account is to be changed to another one. The change takes place once both addresses have agreed.

    The link can be used for 24 hours. If it was not you who requested this, do not follow the link, and set a new password.
approve-new-email-action = Approve the change

email-changed-subject = Your email address was changed
email-changed-body =
    The email address of your account was changed on { $time }. This is the last mail to this address.

    If it was not you, reply to your marketplace at once.

second-factor-enabled-subject = The second factor is on
second-factor-enabled-body =
    Since { $time }, signing in to your account takes a code from your app besides your password.

    If it was not you, set a new password at once.
second-factor-enabled-action = Open your account

second-factor-weakened-subject = The second factor was changed
second-factor-weakened-body =
    On { $time }, the second factor of your account was removed, or a recovery code was used.

    If it was not you, set a new password at once.
second-factor-weakened-action = Open your account

deletion-refused-subject = Your account was not deleted
deletion-refused-body =
    You requested the deletion of your account on { $time }. It cannot be deleted yet: something is not finished, such as an order, an event, a refund or a payment.

    Your account page shows what it is. Your account can be used as before.
deletion-refused-action = Open your account

account-deleted-subject = Your account was deleted
account-deleted-body =
    Your account was deleted on { $time }, and with it your personal data. Amounts of past orders stay in the books, without your name.

    This is the last mail to you.

order-confirmed-subject =
    { $count ->
        [one] Your ticket for { $title }
       *[other] Your { $count } tickets for { $title }
    }
order-confirmed-body =
    { $count ->
        [one] Your order is complete. Your ticket is attached to this mail: print it, or show it on your phone at the entrance.
       *[other] Your order is complete. Your tickets are attached to this mail: print them, or show them on your phone at the entrance.
    }

    Each code admits one person, once. Do not show it to anybody before the entrance.
order-confirmed-action = Open your order

order-expired-subject = Your order has expired: { $title }
order-expired-body =
    Your order was not completed in time. The tickets are on sale again, and nothing was charged.

    If you still want to go, place a new order.
order-expired-action = Open the event

refund-requested-subject = A refund is requested: { $title }
refund-requested-body =
    { $count ->
        [one] A buyer asks for a refund of one ticket. You decide. Until then the ticket stays valid.
       *[other] A buyer asks for a refund of { $count } tickets. You decide. Until then the tickets stay valid.
    }
refund-requested-action = Decide about the refund

refund-paid-subject =
    { $price ->
        [free] Refunded: { $title }
       *[paid] Refund of { $amount } for { $title }
    }
refund-paid-body =
    { $count ->
        [one] One ticket of your order is refunded. It is no longer valid.
       *[other] { $count } tickets of your order are refunded. They are no longer valid.
    }

    { $price ->
        [free] { "" }
       *[paid] The amount goes back to the card that you paid with. Banks need up to ten days.
    }
refund-paid-action = Open your order

refund-failed-subject = Your refund could not be paid: { $title }
refund-failed-body =
    { $count ->
        [one] The refund of one ticket could not be paid to your card. The ticket stays yours and valid.
       *[other] The refund of { $count } tickets could not be paid to your card. The tickets stay yours and valid.
    }

    Your order page shows what you can do.
refund-failed-action = Open your order

refund-declined-subject = Your refund was declined: { $title }
refund-declined-body =
    { $count ->
        [one] The organiser declined the refund of one ticket. The ticket stays yours and valid.
       *[other] The organiser declined the refund of { $count } tickets. The tickets stay yours and valid.
    }
refund-declined-action = Open your order

listing-withdrawn-subject = Withdrawn: { $title }
listing-withdrawn-body =
    The organiser has withdrawn { $title }. Tickets are refunded to their buyers; nobody has to do anything for that.

    The buyer gets another mail when the refund is paid. After that the tickets are no longer valid.
listing-withdrawn-action = Open the event

transfer-offered-subject = A ticket for you
transfer-offered-body =
    Somebody wants to give you a ticket. The page of the link shows for which event.

    Accept it with the link until { $expires }. You then get the ticket in your own name. If you do not want it, ignore this mail: the ticket stays with the person who offered it.
transfer-offered-action = See the ticket

transfer-accepted-subject = Your ticket has a new holder: { $title }
transfer-accepted-body =
    The ticket for { $title } that you gave away was accepted. It is in the name of its new holder, and your code for it is no longer valid.
transfer-accepted-action = Open your orders

transfer-returned-subject = Your ticket is yours again: { $title }
transfer-returned-body =
    The ticket for { $title } that you wanted to give away was not accepted. It stays yours, with the same code.
transfer-returned-action = Open your orders

ticket-received-subject = Your ticket for { $title }
ticket-received-body =
    The ticket is yours. It is attached to this mail: print it, or show it on your phone at the entrance.

    The code admits one person, once. Do not show it to anybody before the entrance.
ticket-received-action = Open your tickets
