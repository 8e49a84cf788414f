# The account of a person.
account-title = Your account
account-back = Back to your account
account-profile = Your details
account-security = Signing in and security
account-save = Save
account-confirmed = Confirmed
account-not-confirmed = Not confirmed
account-unconfirmed = Please confirm { $email }: open the link in the mail that we have sent. Some sellers require it.
account-done-profile = Your details are saved.
account-done-mail = A mail with a new link is on its way.
account-done-email = We have sent a mail to your present address and one to the new address. The change takes effect when you have opened the links in both, within 24 hours.
account-done-password = Your password is changed. You were signed out on all other devices.
name-label = Name
name-hint = As it is printed on your tickets. You may leave it empty.
name-malformed = Enter a name of at most 100 characters on one line.
language-label = Language of mails and pages
language-unknown = Choose one of the languages.
account-email-link = Change the address
account-email-explanation = We send a mail to your present and to the new address. The change takes effect when you have opened the links in both.
account-email-button = Send the mails
new-email-label = New email address
current-password-label = Your password now
wrong-password = The password is wrong.
account-password-title = Change your password
account-password-link = Change the password
account-password-explanation = You stay signed in here, and are signed out on all other devices.

sessions-title = Where you are signed in
sessions-link = Show all
sessions-count = { $count ->
    [one] On this device only
   *[other] On { $count } devices
}
sessions-explanation = These browsers and programs are signed in to your account.
sessions-done = They are signed out.
sessions-end-others = Sign out on all other devices
sessions-no-others = You are signed in on this device only.
sessions-suspicious = Something here is not yours? Sign it out and choose a new password:
session-unknown-device = Unknown device
session-current = This device
session-started = Signed in: { $time }
session-used = Last used: { $time }
session-end = Sign out

second-factor-title = Second factor
second-factor-back = Back to the second factor
second-factor-link = Manage
second-factor-on = On
second-factor-off = Off
second-factor-since = since { $date }
second-factor-explanation = With a second factor, signing in needs your password and a code that an authenticator on your phone shows. A stolen password alone is useless then. Some sellers require it.
second-factor-codes-left = { $count ->
    [0] You have no recovery codes left. Create new ones, so that you can sign in without your phone.
    [one] You have one recovery code left.
   *[other] You have { $count } recovery codes left.
}
second-factor-removed = The second factor is removed. Signing in needs your password alone.
enrol-button = Set up the second factor
enrol-title = Set up your authenticator
enrol-scan = Scan this code with an authenticator. Any app for codes that change every 30 seconds works.
enrol-picture = QR code for your authenticator. The key below is the same as text.
enrol-open = Open in an authenticator on this device
enrol-key = Or type this key into the authenticator:
enrol-confirm-button = Confirm
enrol-again = Start again
codes-title = Your recovery codes
codes-explanation = Store these codes now. They are not shown again.
codes-hint = Each code replaces a code of your authenticator once, for instance if you lose your phone. Without phone and codes you cannot sign in any more. Earlier recovery codes do not work any more.
codes-stored = I have stored them
any-code-hint = The six digits that your authenticator shows, or a recovery code.
renew-link = Create new recovery codes
renew-title = New recovery codes
renew-explanation = You get ten new codes. The earlier ones stop working.
remove-link = Remove the second factor
remove-title = Remove the second factor?
remove-explanation = Signing in needs your password alone then. Tickets of sellers who require a second factor cannot be bought.

account-data = Your data
data-title = Download your data
data-link = Download
data-explanation = The file has everything that we store about you: your account, the places where you were signed in, your listings, orders, tickets, payments and mails, and what our logs have recorded about you.
data-format = It is a JSON file, which other programs can read. Passwords, codes of tickets and card numbers are not part of it: we store passwords in a form that nobody can read, codes of tickets encrypted, and card numbers not at all. The code of a ticket is shown on its page.
data-button = Download the file
data-unavailable = A part of our service does not respond, so the file would not be complete. Nothing is lost. Please try again in a moment.

deletion-title = Delete your account
deletion-link = Delete
deletion-explanation = When you delete your account:
deletion-erased = Your address, your name, your mails and where you were signed in are erased. You are signed out everywhere.
deletion-kept = Amounts of orders and sales stay in the books, without your name. Events that you have sold stay on the pages of those who have tickets.
deletion-tickets = Tickets for events to come stay valid, but you cannot see them here any more. Print them first.
deletion-data = Your data can be downloaded only before.
deletion-final = This cannot be undone. A mail tells you when it is done.
deletion-button = Delete my account
deletion-waiting = Your account is being deleted.
deletion-waiting-explanation = We check whether something is not finished. That usually takes seconds; if a part of our service does not respond, it is done later. Until then you can neither buy nor sell.
deletion-look-again = Look again
deletion-withdraw = Keep my account
deletion-refused = You requested this on { $time }. Your account was not deleted, because something was not finished:
deletion-reopening = Your account is just being opened again. Go back and try once more in a moment.
deletion-open-orders = An order of yours, or for your tickets, is open.
deletion-open-listings = Tickets of yours are on sale, or an event of yours is not over for a day. Withdraw it, or wait. Or buyers can still return tickets until a date that you promised: refund them, or wait.
deletion-open-refunds = A refund of an order, or of a sale of yours, is requested or not paid yet.
deletion-open-disputes = A bank examines a payment.
deletion-balance = Money is owed to you, or by you.
deletion-open-transfers = You have offered a ticket to somebody who has not answered. Take it back, or wait for the answer.
deletion-other = Something else is not finished.
deletion-link-orders = Your orders
deletion-link-sales = Your events
deletion-link-balance = Your balance
deletion-link-tickets = Your tickets
deleted-title = Your account is deleted
deleted-explanation = A mail confirms it. If you do not get that mail within an hour, you may have been signed out for another reason: sign in to see.
deleted-home = To the events
account-done-deletion-withdrawn = Your account stays.
