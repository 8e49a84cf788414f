# Printed tickets in English.

label-time = When
label-venue = Where
label-holder = Holder
label-ticket = Ticket

ticket-number = { $number } of { $of }
ticket-note = Admits one person, once. Show it at the entrance only.
