# Die Seite einer Bestellung, vom ersten Klick bis zur Erstattung.
order-title = Ihre Bestellung
order-take-free = Ihre Karten sind kostenlos
order-take-free-explanation = Wir reservieren sie für Sie. Nehmen Sie sie, bevor die Zeit abläuft.
order-take-free-button = Karten nehmen
order-start-payment = Bezahlen Sie Ihre Karten
order-start-payment-explanation = Wir reservieren Ihre Karten, bis die Zeit abläuft.
order-start-payment-button = Mit Kreditkarte bezahlen
order-enter-card = Mit Kreditkarte bezahlen
order-enter-card-explanation = Wir reservieren Ihre Karten, bis die Zeit abläuft. Ihre Kreditkarte wird erst belastet, wenn die Karten Ihnen gehören.
order-ask-bank = Ihre Bank fragt nach
order-ask-bank-explanation = Ihre Bank möchte, dass Sie diese Zahlung bestätigen, bevor die Zeit abläuft.
order-ask-bank-button = Weiter zu Ihrer Bank
order-processing = Wir schließen Ihre Bestellung ab
order-processing-explanation = Das dauert einige Sekunden. Die Seite aktualisiert sich von selbst. Sie können auch später wiederkommen: Ihre Bestellung ist sicher.
order-payment-unknown = Wir sehen Ihre Zahlung im Moment nicht
order-payment-unknown-explanation = Ihre Karten bleiben reserviert, und es wird höchstens einmal abgebucht. Die Seite aktualisiert sich von selbst.
order-time-up = Ihre Zeit ist abgelaufen
order-time-up-explanation = Wir geben Ihre Karten frei. Es wird nichts abgebucht.
order-complete = Die Karten gehören Ihnen
order-complete-explanation = Wir schicken sie Ihnen per E-Mail. Sie finden sie auch unter „Meine Karten“ und können sie dort zeigen oder drucken.
order-partly-refunded = Ein Teil Ihrer Karten ist erstattet
order-partly-refunded-explanation = Die übrigen Karten gehören weiterhin Ihnen.
order-refunded = Ihre Karten sind erstattet
order-refunded-explanation = Sie gelten nicht mehr.
order-money-back = Das Geld geht zurück auf die Kreditkarte, mit der Sie bezahlt haben.
order-expired = Ihre Bestellung ist abgelaufen
order-expired-explanation = Sie wurde nicht rechtzeitig abgeschlossen. Die Karten sind wieder im Verkauf.
order-cancelled = Sie haben diese Bestellung storniert
order-cancelled-explanation = Die Karten sind wieder im Verkauf.
order-payment-failed = Die Zahlung war nicht erfolgreich
order-payment-failed-explanation = Die Bestellung ist beendet, die Karten sind wieder im Verkauf.
order-withdrawn = Die Veranstaltung wurde zurückgezogen
order-withdrawn-explanation = Diese Karten werden nicht mehr angeboten.
order-not-charged = Es wurde nichts abgebucht.
order-releasing = Die Reservierung auf Ihrer Kreditkarte wird aufgehoben. Es wird nichts abgebucht.
order-released = Es wurde nichts abgebucht. Zeigt Ihre Bank noch einen reservierten Betrag an, verschwindet er innerhalb weniger Tage von selbst.
order-disputed = Ihre Bank prüft diese Zahlung. Bis sie entschieden hat, wird hier nichts erstattet.

order-held-until = Für Sie reserviert bis
order-time-left = { $minutes ->
    [one] noch eine Minute
   *[other] noch { $minutes } Minuten
}
order-less-than-a-minute = weniger als eine Minute
order-announce-five = Sie haben noch fünf Minuten zum Bezahlen.
order-announce-one = Sie haben noch eine Minute zum Bezahlen.
order-announce-over = Die Zeit zum Bezahlen ist abgelaufen.
order-refresh = Seite aktualisieren
order-needs-script = Die Kartenzahlung braucht JavaScript, weil das Formular von unserem Zahlungsdienst kommt. Schalten Sie JavaScript ein und laden Sie die Seite neu.
order-card-loading = Das Kartenformular wird geladen …
order-card-unavailable = Das Kartenformular konnte nicht geladen werden. Prüfen Sie Ihre Verbindung und laden Sie die Seite neu.
order-card-pay = { $amount } bezahlen
order-card-paying = Zahlung läuft …
order-card-failed = Die Zahlung konnte nicht gesendet werden. Es wurde nichts abgebucht. Bitte versuchen Sie es noch einmal.
order-card-unknown = Es kam keine Antwort. Wir prüfen, ob die Zahlung angekommen ist; es wird höchstens einmal abgebucht.
order-card-processing = Ihre Bank hat zugestimmt. Wir schließen Ihre Bestellung ab …
order-cancel = Diese Bestellung stornieren
order-cancel-explanation = Ihre Karten sind sofort wieder im Verkauf. Es wird nichts abgebucht. Nach mehreren stornierten oder unbezahlten Bestellungen müssen Sie warten, bevor Sie wieder bestellen können.
order-again = Noch einmal bestellen
order-see-event = Zurück zur Veranstaltung
order-see-tickets = Meine Karten zeigen

order-event = Veranstaltung
order-when = Wann
order-where = Wo
order-quantity = Karten
order-price = Preis je Karte
order-sum = Summe
order-free = Kostenlos
order-refunded-amount = Erstattet
order-placed-at = Bestellt
order-number = Bestellnummer

order-declined-generic = Ihre Bank hat die Kreditkarte abgelehnt. Versuchen Sie es mit einer anderen oder fragen Sie Ihre Bank.
order-declined-funds = Die Kreditkarte hat keine ausreichende Deckung. Nehmen Sie eine andere.
order-declined-expired = Die Kreditkarte ist abgelaufen. Nehmen Sie eine andere.
order-declined-number = Die Kartennummer stimmt nicht. Berichtigen Sie sie oder nehmen Sie eine andere Kreditkarte.
order-declined-cvc = Der Sicherheitscode stimmt nicht. Berichtigen Sie ihn oder nehmen Sie eine andere Kreditkarte.
order-declined-limit = Die Kreditkarte hat ihr Limit erreicht. Nehmen Sie eine andere oder fragen Sie Ihre Bank.
order-declined-authentication = Ihre Bank konnte nicht bestätigen, dass Sie es sind. Versuchen Sie es noch einmal oder nehmen Sie eine andere Kreditkarte.
order-declined-unsupported = Die Kreditkarte unterstützt diesen Kauf nicht. Nehmen Sie eine andere.
order-declined-temporary = Ihre Bank konnte die Zahlung nicht bearbeiten. Versuchen Sie es gleich noch einmal.
order-declined-test = Hier gehen nur Testkarten, und Testkarten gehen nur hier. Nehmen Sie eine andere Kreditkarte.
order-declined-duplicate = Mit dieser Kreditkarte wurde gerade derselbe Betrag bezahlt. Prüfen Sie, ob Sie schon bezahlt haben.
order-declined-lapsed = Die Zahlung ist nicht zustande gekommen. Es wurde nichts abgebucht. Versuchen Sie es noch einmal.

order-notice-too-many-cards = { $minutes ->
    [one] Es wurden zu viele Kreditkarten versucht. Es wurde nichts abgebucht. Sie können es in einer Minute noch einmal versuchen.
   *[other] Es wurden zu viele Kreditkarten versucht. Es wurde nichts abgebucht. Sie können es in { $minutes } Minuten noch einmal versuchen.
}
order-notice-not-payable = Diese Karten können nicht mit Kreditkarte bezahlt werden. Bitte wenden Sie sich an den Verkäufer.
order-notice-no-payment = Unser Zahlungsdienst antwortet nicht. Es wurde nichts abgebucht, und Ihre Karten bleiben reserviert. Bitte versuchen Sie es noch einmal.
order-notice-refund-seller-left = Der Verkäufer hat uns verlassen oder ist dabei und entscheidet nichts mehr. Bitte schreiben Sie uns.
order-notice-refund-impossible = Diese Erstattung ist nicht mehr möglich. Unten sehen Sie, was geschehen ist.
order-notice-refund-too-many = Das wurde zu oft angefragt. Bitte schreiben Sie uns.
order-notice-refund-quantity = Wählen Sie, wie viele Karten Sie zurückgeben.
order-notice-refund-reason = Der Grund ist zu lang. Höchstens 500 Zeichen sind möglich.

refund-heading = Erstattung
refund-terms-automatic = Bis { $until } wird eine Erstattung sofort bewilligt, ohne dass der Verkäufer gefragt wird.
refund-terms-seller = Der Verkäufer entscheidet über Ihre Anfrage.
refund-terms-money = Für jede erstattete Karte gehen { $price } innerhalb weniger Tage zurück auf Ihre Kreditkarte.
refund-tickets-void = Erstattete Karten gelten nicht mehr.
refund-given-away = Das kann auch Karten betreffen, die Sie weitergegeben haben.
refund-quantity = Wie viele Karten möchten Sie zurückgeben? (1 bis { $most })
refund-reason = Grund (freiwillig)
refund-button = Erstattung anfragen
refund-button-final = Jetzt zurückgeben und Geld erhalten
refund-button-final-free = Jetzt zurückgeben
refund-open = Karten zurückgeben
refund-list = Ihre Anfragen
refund-row = { $quantity ->
    [one] Eine Karte, { $amount }
   *[other] { $quantity } Karten, { $amount }
}
refund-requested = Der Verkäufer hat noch nicht entschieden. Bis dahin gelten Ihre Karten. Über die Entscheidung erhalten Sie eine E-Mail.
refund-approved = Bewilligt. Das Geld ist auf dem Weg zu Ihrer Kreditkarte.
refund-approved-free = Bewilligt.
refund-declined = Der Verkäufer hat die Anfrage abgelehnt.
refund-paid = Auf Ihre Kreditkarte zurückgezahlt.
refund-paid-free = Zurückgegeben.
refund-failed = Die Bank hat diese Erstattung abgelehnt.
refund-failed-again = Die Karten einer Erstattung, die die Bank abgelehnt hat, gehören weiterhin Ihnen. Sie können sie noch einmal anfragen:

orders-title = Ihre Bestellungen
orders-empty = Sie haben noch nichts bestellt.
orders-browse = Veranstaltungen ansehen
orders-item = { $quantity ->
    [one] Eine Karte, { $total }
   *[other] { $quantity } Karten, { $total }
}
orders-more = Ältere Bestellungen
orders-newest = Neueste Bestellungen
orders-state-open = Wartet auf Ihre Zahlung
orders-state-processing = Wird abgeschlossen
orders-state-complete = Abgeschlossen
orders-state-partly-refunded = Teilweise erstattet
orders-state-refunded = Erstattet
orders-state-expired = Abgelaufen
orders-state-cancelled = Storniert
orders-state-payment-failed = Zahlung fehlgeschlagen
orders-state-withdrawn = Veranstaltung zurückgezogen

refused-title = Nicht bestellt
refused-sold-out = Diese Karten sind weg
refused-sold-out-explanation = Jemand war schneller: Es sind weniger Karten übrig, als Sie wollten. Wenn andere nicht rechtzeitig bezahlen, kommen Karten zurück.
refused-price = Der Preis hat sich geändert
refused-price-explanation = Eine Karte kostet jetzt { $price }. Es wurde nichts bestellt.
refused-outdated = Die Veranstaltung wurde gerade geändert
refused-outdated-explanation = Sehen Sie sie noch einmal an, bevor Sie bestellen. Es wurde nichts bestellt.
refused-limit = So viele Karten können Sie nicht haben
refused-limit-explanation = Eine Person kann für diese Veranstaltung nur eine begrenzte Zahl von Karten kaufen; was Sie schon halten, zählt mit.
refused-open-orders = Sie haben zu viele unbezahlte Bestellungen
refused-open-orders-explanation = Bezahlen oder stornieren Sie eine davon und bestellen Sie dann noch einmal.
refused-unpaid = Bitte warten Sie, bevor Sie wieder bestellen
refused-unpaid-explanation = { $minutes ->
    [one] Ihre letzten Bestellungen für diese Veranstaltung wurden storniert oder nicht bezahlt. Damit der Verkauf fair bleibt, können Sie in einer Minute wieder bestellen.
   *[other] Ihre letzten Bestellungen für diese Veranstaltung wurden storniert oder nicht bezahlt. Damit der Verkauf fair bleibt, können Sie in { $minutes } Minuten wieder bestellen.
}
refused-withdrawn = Die Veranstaltung wurde zurückgezogen
refused-withdrawn-explanation = Diese Karten werden nicht mehr angeboten.
refused-begun = Die Veranstaltung hat begonnen
refused-begun-explanation = Es werden keine Karten mehr verkauft.
refused-early = Der Verkauf hat noch nicht begonnen
refused-early-explanation = Kommen Sie wieder, wenn er beginnt. Die Seite der Veranstaltung zeigt, wann.
refused-ended = Der Verkauf ist beendet
refused-ended-explanation = Es werden keine Karten mehr verkauft.
refused-own = Das ist Ihre eigene Veranstaltung
refused-own-explanation = Eigene Karten können Sie nicht bestellen.
refused-second-factor = Hier müssen Sie sich mit einem zweiten Faktor anmelden
refused-second-factor-explanation = Richten Sie ihn in Ihrem Konto ein, melden Sie sich damit an und bestellen Sie noch einmal.
refused-address = Bestätigen Sie zuerst Ihre Adresse
refused-address-explanation = Wir haben Ihnen eine E-Mail mit einem Link geschickt. Öffnen Sie ihn und bestellen Sie dann noch einmal.
refused-quantity = Wählen Sie, wie viele Karten Sie möchten
refused-quantity-explanation = Wählen Sie eine ganze Zahl von Karten, mindestens eine.
refused-account = Zu Ihrem Konto
refused-orders = Ihre Bestellungen ansehen
