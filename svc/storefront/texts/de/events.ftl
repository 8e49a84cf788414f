# Startseite
home-title = Karten für Konzerte, Theater und mehr
home-description = Veranstaltung finden, zum Preis des Verkäufers kaufen, Karte per E-Mail bekommen.
home-heading = Was möchten Sie erleben?
home-lead = Konzerte, Theater, Lesungen: zum Preis des Verkäufers, für Sie reserviert, während Sie bezahlen.
home-empty = Noch ist nichts im Verkauf. Machen Sie den Anfang.
home-empty-sell = Karten verkaufen
search-label = Veranstaltungen suchen
search-placeholder = Künstler, Stück, Ort
search-button = Suchen
search-not-understood = Danach konnten wir nicht suchen. Nehmen Sie weniger oder einfachere Wörter.
search-currency-unknown = Geben Sie eine Währung wie EUR oder USD ein.
search-currency-needed = Wählen Sie eine Währung für den Preis.
search-price-malformed = Geben Sie einen Betrag wie 25 oder 25,50 ein.
search-date-malformed = Geben Sie ein Datum wie 2027-06-01 ein.
filters-heading = Filtern und sortieren
filters-apply = Anwenden
filters-reset = Alle Veranstaltungen zeigen
filter-from = Von
filter-to = Bis
filter-currency = Währung
filter-min-price = Niedrigster Preis
filter-max-price = Höchster Preis
filter-available = Nur mit freien Karten
filter-seller = Nur von diesem Verkäufer
sort-label = Sortieren nach
sort-newest = Zuletzt eingestellt
sort-starts-at = Datum der Veranstaltung
sort-price = Preis aufsteigend
sort-price-descending = Preis absteigend
sort-oldest = Am längsten eingestellt
results-heading = Zuletzt eingestellt
results-found-heading = Das haben wir gefunden
results-none = Keine Veranstaltung passt. Versuchen Sie andere Wörter oder weniger Filter.
results-further = Auf dieser Seite passt nichts. Auf der nächsten kann noch etwas kommen.
pagination-label = Seiten
pagination-first = Erste Seite
pagination-next = Nächste Seite
price-free = Kostenlos

# Freie Karten
places-left = { $count ->
    [one] Noch eine Karte
   *[other] Noch { $count } Karten
}
places-few = { $count ->
    [one] Letzte Karte
   *[other] Nur noch { $count }
}
places-sold-out = Ausverkauft
places-not-yet = Noch nicht im Verkauf
places-sale-ended = Verkauf beendet
places-begun = Hat begonnen
places-withdrawn = Zurückgezogen
places-unknown = Nicht im Verkauf

# Eine Veranstaltung
event-title = Veranstaltung
event-when-open = Der Termin steht noch nicht fest
event-price-each = pro Karte
event-refund-until = Volle Rückzahlung bis { $time }, ohne Begründung.
event-refund-ask = Über Rückzahlungen entscheidet der Verkäufer. Wird die Veranstaltung zurückgezogen, bekommen Sie Ihr Geld zurück.
event-hold = { $minutes ->
    [one] Eine Minute für Sie reserviert, während Sie bezahlen.
   *[other] { $minutes } Minuten für Sie reserviert, während Sie bezahlen.
}
event-max-per-buyer = { $count ->
    [one] Eine Karte pro Käufer.
   *[other] Bis zu { $count } Karten pro Käufer.
}
event-second-factor = Der Verkäufer verlangt einen zweiten Faktor: Richten Sie ihn vor dem Kauf in Ihrem Konto ein.
event-quantity = Karten
event-buy = Kaufen
event-sold-out = Alle Karten sind verkauft oder gerade reserviert. Was nicht bezahlt wird, kommt zurück: Schauen Sie in einigen Minuten wieder vorbei.
event-not-yet = Der Verkauf beginnt am { $time }.
event-sale-ended = Der Verkauf ist beendet.
event-begun = Die Veranstaltung hat begonnen. Es werden keine Karten mehr verkauft.
event-withdrawn = Der Verkäufer hat diese Veranstaltung zurückgezogen. Wer eine Karte gekauft hat, bekommt sein Geld zurück.
event-more-of-seller = Mehr von diesem Verkäufer
event-share-of = { $title }, { $where }
event-about = Über die Veranstaltung
event-tickets-heading = Karten
event-good-to-know = Gut zu wissen
event-changed = Das Angebot hat sich inzwischen geändert.
event-reload = Aktuellen Stand zeigen
