# The listings of a seller.
sell-title = Sell tickets
sell-heading = Your listings
sell-new-link = Create a listing
sell-lists-label = Your listings
sell-listed = Listed
sell-withdrawn = Withdrawn
sell-listed-caption = Your listings, the newest first
sell-withdrawn-caption = Listings that you withdrew
sell-empty = You have no listings. Create one, and it is on sale at once or from the time that you choose.
sell-empty-withdrawn = You have withdrawn no listing.
sell-refunds-waiting = { $count ->
    [one] A refund request waits for your decision.
   *[other] { $count } refund requests wait for your decision.
}
sell-refunds-waiting-of = { $count ->
    [one] { $title }: a refund request waits for your decision.
   *[other] { $title }: { $count } refund requests wait for your decision.
}
sell-column-event = Event
sell-column-state = State
sell-column-price = Price
sell-column-sold = Sold
sell-column-held = Held
sell-column-available = Available
sell-column-buyer = Buyer
sell-column-quantity = Tickets
sell-column-total = Total
sell-column-refunded = Refunded
sell-column-placed = Ordered

# The form of a listing.
sell-new-title = New listing
sell-new-heading = New listing
sell-new-lead = Title, price and number of tickets are enough. The listing is on sale at once, unless you set a beginning of the sale. Once somebody orders, title, price and currency are fixed.
sell-new-button = Create the listing
sell-new-unavailable = It is not certain that the listing was created. Send the form again as it is: it creates one listing.
sell-back = All your listings
sell-edit-title = Edit a listing
sell-edit-heading = Edit
sell-edit-button = Save changes
sell-edit-back = Back without saving
sell-edit-unavailable = It is not certain that your changes are saved. Send the form again in a moment.
sell-fixed = Tickets are held or sold, so title, price and currency stay as they are. Buyers are not told about changes. Their addresses are in the CSV of orders.
sell-legend-event = The event
sell-legend-tickets = The tickets
sell-legend-sale = Sale and refunds
sell-label-title = Title
sell-label-description = Description
sell-label-venue = Venue
sell-label-zone = Time zone of the venue
sell-hint-zone = All times of this form are local to it.
sell-zone-choose = Choose a time zone
sell-label-other-zone = Another time zone
sell-hint-other-zone = Only if the list does not have it: its name in the IANA database, such as America/Bogota.
sell-label-starts-at = Start of the event
sell-hint-time = No ticket is sold after that.
sell-label-price = Price of one ticket
sell-hint-price = Such as 25 or 25.50; 0 if the tickets are free. Buyers pay exactly this. The fee of the marketplace, if there is one, is taken from it; Balance shows it after a sale.
sell-label-currency = Currency
sell-label-quantity = Number of tickets
sell-hint-quantity = All of them, including those sold.
sell-label-max-per-buyer = Most tickets for one buyer
sell-hint-max-per-buyer = Leave it empty for the limit of the marketplace.
sell-label-sales-begin = Beginning of the sale
sell-hint-sales-begin = Leave it empty to sell at once.
sell-label-sales-end = End of the sale
sell-hint-sales-end = Leave it empty to sell until the event starts.
sell-label-order-window = Time to pay, in minutes
sell-hint-order-window = How long tickets are held for a buyer. Leave it empty for the time of the marketplace.
sell-label-refundable-until = Refunds without asking until
sell-hint-refundable-until = Until then buyers get their money back at once. After that, or if empty, you decide.
sell-label-resell = Sell refunded tickets again
sell-label-second-factor = Only buyers who signed in with a second factor can order
sell-yes = Yes
sell-no = No
sell-nothing = Empty
sell-stale = The listing was changed elsewhere while you edited it. Nothing is saved yet. Where it differs from your form, it now has:
sell-stale-same = It is as your form has it: nothing is left to save.
sell-stale-discard = Discard your entries and edit the listing as it is now

sell-error-title-missing = Enter a title.
sell-error-title = Enter a title of at most 200 characters in one line.
sell-error-description = Shorten the description to 5000 characters, without control characters.
sell-error-venue = Enter a venue of at most 200 characters in one line.
sell-error-currency = Choose a currency.
sell-error-price = Enter a price such as 25 or 25.50.
sell-error-price-amount = Cards cannot be charged this price. Enter 0, or a price worth at least about half a dollar.
sell-error-quantity = Enter a number of tickets from 1 to 1,000,000.
sell-error-quantity-reserved = The number of tickets cannot be lower than those held and sold.
sell-error-max-per-buyer = Enter a number from 1 to 1,000,000 as the limit of one buyer, or leave it empty.
sell-error-order-window = Enter a time to pay from 0.17 to 60 minutes, or leave it empty.
sell-error-zone-missing = Choose the time zone of the venue, so that the times are clear.
sell-error-zone = Enter a time zone of the IANA database, such as Europe/Berlin.
sell-error-time = Enter date and time such as 2027-06-12T20:00.
sell-error-starts-at = The event must start in the future.
sell-error-sales-begin = The sale must begin before it ends, and before the event starts.
sell-error-sales-end = The sale must end in the future, and not after the start of the event.
sell-error-refundable-until = The time for refunds must be in the future.
sell-error-reserved = Tickets are held or sold meanwhile, so title and price cannot be changed now.
sell-error-address = Confirm your email address first: the link is in the mail that we sent you.
sell-error-sent-before = This form was sent before with other entries. Check your listings.

# Withdrawing.
sell-withdraw-title = Withdraw a listing
sell-withdraw-heading = Withdraw
sell-withdraw-link = Withdraw
sell-withdraw-lead = If you withdraw this listing:
sell-withdraw-sale = It is off sale at once, and nobody finds it any more.
sell-withdraw-sold = { $count ->
    [one] The ticket sold is void, and its buyer gets the money back.
   *[other] The { $count } tickets sold are void, and their buyers get the money back.
}
sell-withdraw-held = { $count ->
    [one] The order of the ticket held is cancelled.
   *[other] The orders of the { $count } tickets held are cancelled.
}
sell-withdraw-final = This cannot be undone.
sell-withdraw-button = Withdraw for good
sell-withdraw-back = Keep the listing
sell-withdraw-stale = The listing was changed meanwhile, and is not withdrawn. Check again what happens.
sell-withdrawal-pending = The listing is withdrawn. Paid orders are being refunded; the progress is not known yet.
sell-withdrawal-none = The listing is withdrawn. No paid order has to be refunded.
sell-withdrawal-done = The listing is withdrawn. Of { $orders } paid orders { $refunded } are refunded, and none is open.
sell-withdrawal-running = The listing is withdrawn. Of { $orders } paid orders { $refunded } are refunded, the others follow.
sell-withdrawal-failed = The listing is withdrawn. Of { $orders } paid orders { $refunded } are refunded; the refunds of { $failed } failed.
sell-withdrawal-retry = Try the failed refunds again

# Sales.
sell-sales-title = Sales
sell-check-in-link = Check-in
sell-edit-link = Edit
sell-see-page = Page for buyers
sell-refunds-heading = Refund requests
sell-refunds-none = No refund request waits for your decision.
sell-refunds-unknown = Refund requests cannot be shown at the moment. Please reload the page later.
sell-refund-summary = { $quantity ->
    [one] One ticket, { $amount }
   *[other] { $quantity } tickets, { $amount }
}
sell-refund-approve-of = Approve: refund { $amount }
sell-refund-approve-explanation = The buyer gets back what was paid, and the refunded tickets are not valid any more. This cannot be undone.
sell-refund-approved = The refund is approved.
sell-refund-decline-of = Decline the refund of { $amount }
sell-refund-decline-explanation = The buyer keeps the tickets. This cannot be undone.
sell-refund-declined = The refund is declined.
sell-refund-decided = This refund request was decided otherwise meanwhile.
sell-refund-disputed = The buyer's bank disputes the charge. Until the bank has decided, the refund cannot be approved.
sell-order = Order
sell-orders-heading = Orders
sell-orders-none = Nobody has ordered yet.
sell-orders-csv = Download all orders as CSV
sell-orders-caption = The newest order first
sell-buyer-unknown = Not known
sell-disputed = Disputed
sell-state-open = Waits for payment
sell-state-processing = Being paid
sell-state-paid = Paid
sell-state-partly-refunded = Partly refunded
sell-state-refunded = Refunded
sell-state-cancelled = Cancelled

# The picture.
sell-image-title = Picture of a listing
sell-image-heading = Picture:
sell-image-link = Picture
sell-image-alt = The present picture
sell-image-none = The listing has no picture yet.
sell-image-label = New picture
sell-image-hint = JPEG, PNG or WebP, at most 5 MiB and 40 megapixels. Where and when it was taken is removed.
sell-image-button = Upload
sell-image-remove = Remove the picture
sell-image-back = Back to the sales
sell-image-missing = Choose a file.
sell-image-format = Choose a picture as JPEG, PNG or WebP.
sell-image-damaged = The picture is damaged, incomplete or animated. Choose another one.
sell-image-too-large = The picture is too large: choose one of at most 5 MiB and 40 megapixels.
sell-image-limit = Your pictures occupy too much space. Remove those of other listings first.
sell-image-busy = Another picture is being processed. Please try again in a moment.

# The plot.
sell-chart-heading = Sales over time
sell-chart-title = Tickets sold over time
sell-chart-description = { $count ->
    [one] One ticket, sold on { $first }. The table below has the numbers.
   *[other] { $count } tickets, sold from { $first } to { $last }. The table below has the numbers.
}
sell-chart-part = The plot shows the newest { $count } orders.
sell-chart-table = The numbers as a table
sell-chart-caption = Tickets sold and not refunded, by the day of the order
sell-column-day = Day
sell-column-day-sold = On this day
sell-column-day-total = Up to this day

# The balance.
sell-balance-title = Balance
sell-balance-heading = Balance
sell-balance-link = Balance
sell-balance-lead = What your sales have earned, in each currency, without fees, refunds and disputed charges.
sell-balance-empty = You have sold nothing yet.
sell-column-fees = Fees
sell-column-disputed = Disputed
sell-column-net = Your share
sell-column-paid-out = Paid to you
sell-column-due = Still due
sell-column-change = Change
sell-ledger-heading = Changes
sell-ledger-csv = Download all changes as CSV
sell-ledger-caption = The newest change first
sell-ledger-completed = Sale
sell-ledger-refund = Refund
sell-ledger-refund-failed = Refund failed, credited again
sell-ledger-dispute = Disputed charge
sell-ledger-other = Other change
