# Die Angebote eines Verkäufers.
sell-title = Karten verkaufen
sell-heading = Ihre Angebote
sell-new-link = Angebot erstellen
sell-lists-label = Ihre Angebote
sell-listed = Angeboten
sell-withdrawn = Zurückgezogen
sell-listed-caption = Ihre Angebote, das neueste zuerst
sell-withdrawn-caption = Angebote, die Sie zurückgezogen haben
sell-empty = Sie haben keine Angebote. Erstellen Sie eines, und der Verkauf beginnt sofort oder zu der Zeit, die Sie wählen.
sell-empty-withdrawn = Sie haben kein Angebot zurückgezogen.
sell-refunds-waiting = { $count ->
    [one] Ein Erstattungswunsch wartet auf Ihre Entscheidung.
   *[other] { $count } Erstattungswünsche warten auf Ihre Entscheidung.
}
sell-refunds-waiting-of = { $count ->
    [one] { $title }: Ein Erstattungswunsch wartet auf Ihre Entscheidung.
   *[other] { $title }: { $count } Erstattungswünsche warten auf Ihre Entscheidung.
}
sell-column-event = Veranstaltung
sell-column-state = Stand
sell-column-price = Preis
sell-column-sold = Verkauft
sell-column-held = Reserviert
sell-column-available = Verfügbar
sell-column-buyer = Käufer
sell-column-quantity = Karten
sell-column-total = Summe
sell-column-refunded = Erstattet
sell-column-placed = Bestellt

# Das Formular eines Angebots.
sell-new-title = Neues Angebot
sell-new-heading = Neues Angebot
sell-new-lead = Titel, Preis und Zahl der Karten genügen. Der Verkauf beginnt sofort, wenn Sie keinen Beginn des Verkaufs angeben. Sobald jemand bestellt, stehen Titel, Preis und Währung fest.
sell-new-button = Angebot erstellen
sell-new-unavailable = Ob das Angebot erstellt wurde, ist nicht sicher. Senden Sie das Formular unverändert noch einmal: Es entsteht nur ein Angebot.
sell-back = Alle Ihre Angebote
sell-edit-title = Angebot bearbeiten
sell-edit-heading = Bearbeiten:
sell-edit-button = Änderungen speichern
sell-edit-back = Zurück, ohne zu speichern
sell-edit-unavailable = Ob Ihre Änderungen gespeichert sind, ist nicht sicher. Senden Sie das Formular gleich noch einmal.
sell-fixed = Karten sind reserviert oder verkauft. Titel, Preis und Währung bleiben deshalb, wie sie sind. Käufer erfahren von Änderungen nichts. Ihre Adressen stehen in der CSV-Datei der Bestellungen.
sell-legend-event = Die Veranstaltung
sell-legend-tickets = Die Karten
sell-legend-sale = Verkauf und Erstattung
sell-label-title = Titel
sell-label-description = Beschreibung
sell-label-venue = Ort
sell-label-zone = Zeitzone des Ortes
sell-hint-zone = Alle Zeiten in diesem Formular sind Ortszeiten in ihr.
sell-zone-choose = Zeitzone wählen
sell-label-other-zone = Andere Zeitzone
sell-hint-other-zone = Nur wenn sie in der Liste fehlt: ihr Name in der IANA-Datenbank, etwa America/Bogota.
sell-label-starts-at = Beginn der Veranstaltung
sell-hint-time = Danach wird keine Karte mehr verkauft.
sell-label-price = Preis einer Karte
sell-hint-price = Etwa 25 oder 25,50; 0, wenn die Karten nichts kosten. Käufer zahlen genau diesen Preis. Falls der Marktplatz eine Gebühr nimmt, geht sie davon ab; nach einem Verkauf steht sie unter Guthaben.
sell-label-currency = Währung
sell-label-quantity = Zahl der Karten
sell-hint-quantity = Alle, auch die verkauften.
sell-label-max-per-buyer = Höchstzahl für einen Käufer
sell-hint-max-per-buyer = Leer gilt die Grenze des Marktplatzes.
sell-label-sales-begin = Beginn des Verkaufs
sell-hint-sales-begin = Leer beginnt der Verkauf sofort.
sell-label-sales-end = Ende des Verkaufs
sell-hint-sales-end = Leer dauert der Verkauf bis zum Beginn der Veranstaltung.
sell-label-order-window = Zeit zum Bezahlen, in Minuten
sell-hint-order-window = So lange bleiben Karten für einen Käufer reserviert. Leer gilt die Zeit des Marktplatzes.
sell-label-refundable-until = Erstattung ohne Rückfrage bis
sell-hint-refundable-until = Bis dahin erhalten Käufer ihr Geld sofort zurück. Danach, oder wenn das Feld leer ist, entscheiden Sie.
sell-label-resell = Erstattete Karten wieder verkaufen
sell-label-second-factor = Nur Käufer, die sich mit einem zweiten Faktor angemeldet haben, können bestellen
sell-yes = Ja
sell-no = Nein
sell-nothing = Leer
sell-stale = Das Angebot wurde anderswo geändert, während Sie es bearbeitet haben. Noch ist nichts gespeichert. Wo es von Ihrem Formular abweicht, enthält es jetzt:
sell-stale-same = Es ist so, wie Ihr Formular es hat: Es bleibt nichts zu speichern.
sell-stale-discard = Ihre Eingaben verwerfen und das Angebot bearbeiten, wie es jetzt ist

sell-error-title-missing = Geben Sie einen Titel ein.
sell-error-title = Geben Sie einen Titel von höchstens 200 Zeichen in einer Zeile ein.
sell-error-description = Kürzen Sie die Beschreibung auf 5000 Zeichen, ohne Steuerzeichen.
sell-error-venue = Geben Sie einen Ort von höchstens 200 Zeichen in einer Zeile ein.
sell-error-currency = Wählen Sie eine Währung.
sell-error-price = Geben Sie einen Preis ein, etwa 25 oder 25,50.
sell-error-price-amount = Dieser Preis kann nicht von Kreditkarten abgebucht werden. Geben Sie 0 ein oder einen Preis im Wert von mindestens etwa einem halben Dollar.
sell-error-quantity = Geben Sie eine Zahl der Karten von 1 bis 1.000.000 ein.
sell-error-quantity-reserved = Die Zahl der Karten kann nicht kleiner sein als die der reservierten und verkauften.
sell-error-max-per-buyer = Geben Sie als Höchstzahl eines Käufers eine Zahl von 1 bis 1.000.000 ein, oder lassen Sie das Feld leer.
sell-error-order-window = Geben Sie eine Zeit zum Bezahlen von 0,17 bis 60 Minuten ein, oder lassen Sie das Feld leer.
sell-error-zone-missing = Wählen Sie die Zeitzone des Ortes, damit die Zeiten eindeutig sind.
sell-error-zone = Geben Sie eine Zeitzone der IANA-Datenbank ein, etwa Europe/Berlin.
sell-error-time = Geben Sie Datum und Uhrzeit ein, etwa 2027-06-12T20:00.
sell-error-starts-at = Die Veranstaltung muss in der Zukunft beginnen.
sell-error-sales-begin = Der Verkauf muss vor seinem Ende und vor der Veranstaltung beginnen.
sell-error-sales-end = Der Verkauf muss in der Zukunft enden, und nicht nach dem Beginn der Veranstaltung.
sell-error-refundable-until = Die Frist für Erstattungen muss in der Zukunft enden.
sell-error-reserved = Inzwischen sind Karten reserviert oder verkauft. Titel und Preis können jetzt nicht geändert werden.
sell-error-address = Bestätigen Sie zuerst Ihre E-Mail-Adresse: Der Link steht in unserer Mail an Sie.
sell-error-sent-before = Dieses Formular wurde schon mit anderen Eingaben gesendet. Sehen Sie in Ihren Angeboten nach.

# Zurückziehen.
sell-withdraw-title = Angebot zurückziehen
sell-withdraw-heading = Zurückziehen:
sell-withdraw-link = Zurückziehen
sell-withdraw-lead = Wenn Sie dieses Angebot zurückziehen:
sell-withdraw-sale = Der Verkauf endet sofort, und niemand findet es mehr.
sell-withdraw-sold = { $count ->
    [one] Die verkaufte Karte wird ungültig, und ihr Käufer erhält sein Geld zurück.
   *[other] Die { $count } verkauften Karten werden ungültig, und ihre Käufer erhalten ihr Geld zurück.
}
sell-withdraw-held = { $count ->
    [one] Die Bestellung der reservierten Karte wird storniert.
   *[other] Die Bestellungen der { $count } reservierten Karten werden storniert.
}
sell-withdraw-final = Das lässt sich nicht rückgängig machen.
sell-withdraw-button = Endgültig zurückziehen
sell-withdraw-back = Angebot behalten
sell-withdraw-stale = Das Angebot wurde inzwischen geändert und ist nicht zurückgezogen. Prüfen Sie noch einmal, was geschieht.
sell-withdrawal-pending = Das Angebot ist zurückgezogen. Bezahlte Bestellungen werden erstattet; der Stand ist noch nicht bekannt.
sell-withdrawal-none = Das Angebot ist zurückgezogen. Keine bezahlte Bestellung muss erstattet werden.
sell-withdrawal-done = Das Angebot ist zurückgezogen. Von { $orders } bezahlten Bestellungen sind { $refunded } erstattet, und keine ist offen.
sell-withdrawal-running = Das Angebot ist zurückgezogen. Von { $orders } bezahlten Bestellungen sind { $refunded } erstattet, die übrigen folgen.
sell-withdrawal-failed = Das Angebot ist zurückgezogen. Von { $orders } bezahlten Bestellungen sind { $refunded } erstattet; die Erstattung von { $failed } ist fehlgeschlagen.
sell-withdrawal-retry = Fehlgeschlagene Erstattungen wiederholen

# Verkäufe.
sell-sales-title = Verkäufe
sell-check-in-link = Einlass
sell-edit-link = Bearbeiten
sell-see-page = Seite für Käufer
sell-refunds-heading = Erstattungswünsche
sell-refunds-none = Kein Erstattungswunsch wartet auf Ihre Entscheidung.
sell-refunds-unknown = Erstattungswünsche können gerade nicht angezeigt werden. Bitte laden Sie die Seite später neu.
sell-refund-summary = { $quantity ->
    [one] Eine Karte, { $amount }
   *[other] { $quantity } Karten, { $amount }
}
sell-refund-approve-of = Genehmigen: { $amount } erstatten
sell-refund-approve-explanation = Der Käufer erhält zurück, was er bezahlt hat, und die erstatteten Karten gelten nicht mehr. Das lässt sich nicht rückgängig machen.
sell-refund-approved = Die Erstattung ist genehmigt.
sell-refund-decline-of = Ablehnen: Erstattung von { $amount }
sell-refund-decline-explanation = Der Käufer behält die Karten. Das lässt sich nicht rückgängig machen.
sell-refund-declined = Die Erstattung ist abgelehnt.
sell-refund-decided = Über diesen Erstattungswunsch wurde inzwischen anders entschieden.
sell-refund-disputed = Die Bank des Käufers bestreitet die Abbuchung. Bis sie entschieden hat, kann die Erstattung nicht genehmigt werden.
sell-order = Bestellung
sell-orders-heading = Bestellungen
sell-orders-none = Noch hat niemand bestellt.
sell-orders-csv = Alle Bestellungen als CSV herunterladen
sell-orders-caption = Die neueste Bestellung zuerst
sell-buyer-unknown = Nicht bekannt
sell-disputed = Bestritten
sell-state-open = Wartet auf Zahlung
sell-state-processing = Wird bezahlt
sell-state-paid = Bezahlt
sell-state-partly-refunded = Teilweise erstattet
sell-state-refunded = Erstattet
sell-state-cancelled = Storniert

# Das Bild.
sell-image-title = Bild eines Angebots
sell-image-heading = Bild:
sell-image-link = Bild
sell-image-alt = Das jetzige Bild
sell-image-none = Das Angebot hat noch kein Bild.
sell-image-label = Neues Bild
sell-image-hint = JPEG, PNG oder WebP, höchstens 5 MiB und 40 Megapixel. Ort und Zeit der Aufnahme werden entfernt.
sell-image-button = Hochladen
sell-image-remove = Bild entfernen
sell-image-back = Zurück zu den Verkäufen
sell-image-missing = Wählen Sie eine Datei.
sell-image-format = Wählen Sie ein Bild als JPEG, PNG oder WebP.
sell-image-damaged = Das Bild ist beschädigt, unvollständig oder animiert. Wählen Sie ein anderes.
sell-image-too-large = Das Bild ist zu groß: Wählen Sie eines von höchstens 5 MiB und 40 Megapixeln.
sell-image-limit = Ihre Bilder belegen zu viel Platz. Entfernen Sie zuerst die anderer Angebote.
sell-image-busy = Ein anderes Bild wird gerade verarbeitet. Bitte versuchen Sie es gleich noch einmal.

# Das Diagramm.
sell-chart-heading = Verkauf im Lauf der Zeit
sell-chart-title = Verkaufte Karten im Lauf der Zeit
sell-chart-description = { $count ->
    [one] Eine Karte, verkauft am { $first }. Die Zahlen stehen in der Tabelle darunter.
   *[other] { $count } Karten, verkauft vom { $first } bis zum { $last }. Die Zahlen stehen in der Tabelle darunter.
}
sell-chart-part = Das Diagramm zeigt die neuesten { $count } Bestellungen.
sell-chart-table = Die Zahlen als Tabelle
sell-chart-caption = Verkaufte und nicht erstattete Karten, nach dem Tag der Bestellung
sell-column-day = Tag
sell-column-day-sold = An diesem Tag
sell-column-day-total = Bis zu diesem Tag

# Das Guthaben.
sell-balance-title = Guthaben
sell-balance-heading = Guthaben
sell-balance-link = Guthaben
sell-balance-lead = Was Ihre Verkäufe in jeder Währung ergeben haben, ohne Gebühren, Erstattungen und bestrittene Abbuchungen.
sell-balance-empty = Sie haben noch nichts verkauft.
sell-column-fees = Gebühren
sell-column-disputed = Bestritten
sell-column-net = Ihr Anteil
sell-column-paid-out = An Sie ausgezahlt
sell-column-due = Noch offen
sell-column-change = Änderung
sell-ledger-heading = Änderungen
sell-ledger-csv = Alle Änderungen als CSV herunterladen
sell-ledger-caption = Die neueste Änderung zuerst
sell-ledger-completed = Verkauf
sell-ledger-refund = Erstattung
sell-ledger-refund-failed = Erstattung fehlgeschlagen, wieder gutgeschrieben
sell-ledger-dispute = Bestrittene Abbuchung
sell-ledger-other = Andere Änderung
