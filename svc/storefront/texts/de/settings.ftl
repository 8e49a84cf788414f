# Das Konto einer Person.
account-title = Ihr Konto
account-back = Zurück zum Konto
account-profile = Ihre Angaben
account-security = Anmeldung und Sicherheit
account-save = Speichern
account-confirmed = Bestätigt
account-not-confirmed = Nicht bestätigt
account-unconfirmed = Bitte bestätigen Sie { $email }: Öffnen Sie den Link in der E-Mail, die wir geschickt haben. Manche Verkäufer verlangen das.
account-done-profile = Ihre Angaben sind gespeichert.
account-done-mail = Eine E-Mail mit einem neuen Link ist unterwegs.
account-done-email = Wir haben eine E-Mail an Ihre bisherige und eine an die neue Adresse geschickt. Die Adresse wird geändert, wenn Sie innerhalb von 24 Stunden die Links in beiden geöffnet haben.
account-done-password = Ihr Passwort ist geändert. Auf allen anderen Geräten wurden Sie abgemeldet.
name-label = Name
name-hint = So steht er auf Ihren Karten. Sie dürfen das Feld leer lassen.
name-malformed = Geben Sie einen Namen mit höchstens 100 Zeichen in einer Zeile ein.
language-label = Sprache der Mails und Seiten
language-unknown = Wählen Sie eine der Sprachen.
account-email-link = Adresse ändern
account-email-explanation = Wir schicken eine E-Mail an Ihre bisherige und an die neue Adresse. Die Adresse wird geändert, wenn Sie die Links in beiden geöffnet haben.
account-email-button = E-Mails senden
new-email-label = Neue E-Mail-Adresse
current-password-label = Ihr jetziges Passwort
wrong-password = Das Passwort stimmt nicht.
account-password-title = Passwort ändern
account-password-link = Passwort ändern
account-password-explanation = Hier bleiben Sie angemeldet, auf allen anderen Geräten werden Sie abgemeldet.

sessions-title = Wo Sie angemeldet sind
sessions-link = Alle zeigen
sessions-count = { $count ->
    [one] Nur auf diesem Gerät
   *[other] Auf { $count } Geräten
}
sessions-explanation = Diese Browser und Programme sind in Ihrem Konto angemeldet.
sessions-done = Sie sind abgemeldet.
sessions-end-others = Auf allen anderen Geräten abmelden
sessions-no-others = Sie sind nur auf diesem Gerät angemeldet.
sessions-suspicious = Etwas davon gehört nicht Ihnen? Melden Sie es ab und wählen Sie ein neues Passwort:
session-unknown-device = Unbekanntes Gerät
session-current = Dieses Gerät
session-started = Angemeldet: { $time }
session-used = Zuletzt benutzt: { $time }
session-end = Abmelden

second-factor-title = Zweiter Faktor
second-factor-back = Zurück zum zweiten Faktor
second-factor-link = Verwalten
second-factor-on = Ein
second-factor-off = Aus
second-factor-since = seit { $date }
second-factor-explanation = Mit einem zweiten Faktor braucht die Anmeldung Ihr Passwort und einen Code, den eine Authenticator-App auf Ihrem Telefon zeigt. Ein gestohlenes Passwort allein nützt dann nichts. Manche Verkäufer verlangen das.
second-factor-codes-left = { $count ->
    [0] Sie haben keine Wiederherstellungscodes mehr. Erstellen Sie neue, damit Sie sich ohne Ihr Telefon anmelden können.
    [one] Sie haben noch einen Wiederherstellungscode.
   *[other] Sie haben noch { $count } Wiederherstellungscodes.
}
second-factor-removed = Der zweite Faktor ist entfernt. Zur Anmeldung genügt Ihr Passwort.
enrol-button = Zweiten Faktor einrichten
enrol-title = Authenticator einrichten
enrol-scan = Scannen Sie diesen Code mit einer Authenticator-App. Jede App geht, deren Codes alle 30 Sekunden wechseln.
enrol-picture = QR-Code für Ihre Authenticator-App. Der Schlüssel darunter ist dasselbe als Text.
enrol-open = In einer App auf diesem Gerät öffnen
enrol-key = Oder tippen Sie diesen Schlüssel in die App:
enrol-confirm-button = Bestätigen
enrol-again = Von vorn beginnen
codes-title = Ihre Wiederherstellungscodes
codes-explanation = Bewahren Sie diese Codes jetzt auf. Sie werden nicht noch einmal gezeigt.
codes-hint = Jeder Code ersetzt einmal einen Code der App, zum Beispiel wenn Sie Ihr Telefon verlieren. Ohne Telefon und Codes können Sie sich nicht mehr anmelden. Frühere Wiederherstellungscodes gelten nicht mehr.
codes-stored = Ich habe sie aufbewahrt
any-code-hint = Die sechs Ziffern, die Ihre App zeigt, oder ein Wiederherstellungscode.
renew-link = Neue Wiederherstellungscodes erstellen
renew-title = Neue Wiederherstellungscodes
renew-explanation = Sie bekommen zehn neue Codes. Die früheren gelten dann nicht mehr.
remove-link = Zweiten Faktor entfernen
remove-title = Zweiten Faktor entfernen?
remove-explanation = Zur Anmeldung genügt dann Ihr Passwort. Karten von Verkäufern, die einen zweiten Faktor verlangen, können Sie nicht kaufen.

account-data = Ihre Daten
data-title = Ihre Daten herunterladen
data-link = Herunterladen
data-explanation = Die Datei enthält alles, was wir über Sie speichern: Ihr Konto, die Geräte, auf denen Sie angemeldet waren, Ihre Angebote, Bestellungen, Karten, Zahlungen und Mails, und was unsere Protokolle über Sie festgehalten haben.
data-format = Es ist eine JSON-Datei, die andere Programme lesen können. Passwörter, Codes von Karten und Kreditkartennummern gehören nicht dazu: Passwörter speichern wir so, dass niemand sie lesen kann, Codes von Karten verschlüsselt, und Kreditkartennummern gar nicht. Den Code einer Karte zeigt deren Seite.
data-button = Datei herunterladen
data-unavailable = Ein Teil unseres Dienstes antwortet nicht, deshalb wäre die Datei nicht vollständig. Es geht nichts verloren. Bitte versuchen Sie es gleich noch einmal.

deletion-title = Konto löschen
deletion-link = Löschen
deletion-explanation = Wenn Sie Ihr Konto löschen:
deletion-erased = Ihre Adresse, Ihr Name, Ihre Mails und wo Sie angemeldet waren werden gelöscht. Sie werden überall abgemeldet.
deletion-kept = Beträge von Bestellungen und Verkäufen bleiben in den Büchern, ohne Ihren Namen. Veranstaltungen, die Sie verkauft haben, bleiben auf den Seiten derer, die Karten haben.
deletion-tickets = Karten für kommende Veranstaltungen bleiben gültig, aber Sie können sie hier nicht mehr sehen. Drucken Sie sie vorher aus.
deletion-data = Ihre Daten können Sie nur vorher herunterladen.
deletion-final = Das lässt sich nicht rückgängig machen. Eine E-Mail sagt Ihnen, wenn es geschehen ist.
deletion-button = Mein Konto löschen
deletion-waiting = Ihr Konto wird gelöscht.
deletion-waiting-explanation = Wir prüfen, ob noch etwas offen ist. Das dauert meist Sekunden; wenn ein Teil unseres Dienstes nicht antwortet, geschieht es später. Bis dahin können Sie weder kaufen noch verkaufen.
deletion-look-again = Noch einmal nachsehen
deletion-withdraw = Mein Konto behalten
deletion-refused = Sie haben das am { $time } gewünscht. Ihr Konto wurde nicht gelöscht, weil etwas noch nicht abgeschlossen war:
deletion-reopening = Ihr Konto wird gerade wieder geöffnet. Gehen Sie zurück und versuchen Sie es gleich noch einmal.
deletion-open-orders = Eine Bestellung von Ihnen oder bei Ihnen ist offen.
deletion-open-listings = Karten von Ihnen sind im Verkauf, oder eine Ihrer Veranstaltungen ist noch keinen Tag vorbei. Ziehen Sie sie zurück, oder warten Sie. Oder Käufer können Karten noch bis zu einem Tag zurückgeben, den Sie versprochen haben: Erstatten Sie sie, oder warten Sie.
deletion-open-refunds = Eine Erstattung an Sie oder von Ihnen ist beantragt oder noch nicht bezahlt.
deletion-open-disputes = Eine Bank prüft eine Zahlung.
deletion-balance = Sie bekommen noch Geld, oder schulden welches.
deletion-open-transfers = Sie haben eine Karte angeboten, und die Antwort steht aus. Nehmen Sie sie zurück, oder warten Sie auf die Antwort.
deletion-other = Etwas anderes ist noch nicht abgeschlossen.
deletion-link-orders = Ihre Bestellungen
deletion-link-sales = Ihre Veranstaltungen
deletion-link-balance = Ihr Guthaben
deletion-link-tickets = Ihre Karten
deleted-title = Ihr Konto ist gelöscht
deleted-explanation = Eine E-Mail bestätigt es. Wenn Sie innerhalb einer Stunde keine bekommen, wurden Sie vielleicht aus einem anderen Grund abgemeldet: Melden Sie sich an, um nachzusehen.
deleted-home = Zu den Veranstaltungen
account-done-deletion-withdrawn = Ihr Konto bleibt.
