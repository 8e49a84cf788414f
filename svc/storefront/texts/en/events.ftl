# Home
home-title = Tickets for concerts, theatre and more
home-description = Find an event, buy at the seller's price, and get your ticket by email.
home-heading = What are you going to see?
home-lead = Concerts, theatre, readings: at the seller's price, held for you while you pay.
home-empty = Nothing is on sale yet. Be the first.
home-empty-sell = Sell tickets
search-label = Search events
search-placeholder = Artist, play, venue
search-button = Search
search-not-understood = We could not search for this. Use fewer or simpler words.
search-currency-unknown = Enter a currency such as EUR or USD.
search-currency-needed = Choose a currency for the price.
search-price-malformed = Enter an amount such as 25 or 25.50.
search-date-malformed = Enter a date such as 2027-06-01.
filters-heading = Filter and sort
filters-apply = Apply
filters-reset = Show all events
filter-from = From
filter-to = Until
filter-currency = Currency
filter-min-price = Lowest price
filter-max-price = Highest price
filter-available = Only with tickets left
filter-seller = Only from this seller
sort-label = Sort by
sort-newest = Recently listed
sort-starts-at = Date of the event
sort-price = Price, lowest first
sort-price-descending = Price, highest first
sort-oldest = Listed longest ago
results-heading = Recently listed
results-found-heading = What we found
results-none = No event matches. Try other words or fewer filters.
results-further = No event on this page matches. There may be more on the next one.
pagination-label = Pages
pagination-first = First page
pagination-next = Next page
price-free = Free

# Tickets left
places-left = { $count ->
    [one] One ticket left
   *[other] { $count } tickets left
}
places-few = { $count ->
    [one] Last ticket
   *[other] Only { $count } left
}
places-sold-out = Sold out
places-not-yet = Not on sale yet
places-sale-ended = Sale ended
places-begun = Event has begun
places-withdrawn = Withdrawn
places-unknown = Not on sale

# A listing
event-title = Event
event-when-open = The date is not fixed yet
event-price-each = per ticket
event-refund-until = Full refund until { $time }, without a reason.
event-refund-ask = Refunds are up to the seller. If the event is withdrawn, you get your money back.
event-hold = { $minutes ->
    [one] Held for you for one minute while you pay.
   *[other] Held for you for { $minutes } minutes while you pay.
}
event-max-per-buyer = { $count ->
    [one] One ticket for each buyer.
   *[other] Up to { $count } tickets for each buyer.
}
event-second-factor = The seller asks for a second factor: set it up in your account before you buy.
event-quantity = Tickets
event-buy = Buy
event-sold-out = Every ticket is sold or held by somebody who is paying. Held tickets come back if they are not paid: look again in a few minutes.
event-not-yet = The sale begins on { $time }.
event-sale-ended = The sale has ended.
event-begun = The event has begun. No tickets are sold any more.
event-withdrawn = The seller has withdrawn this event. Whoever bought a ticket gets the money back.
event-more-of-seller = More from this seller
event-share-of = { $title }, { $where }
event-about = About the event
event-tickets-heading = Tickets
event-good-to-know = Good to know
event-changed = The offer has changed meanwhile.
event-reload = Show the current one
