# Die Mails auf Deutsch. Eine Leerzeile trennt Absätze.

greeting = Guten Tag,
greeting-name = Guten Tag { $name },
footer = Sie erhalten diese Mail wegen Ihres Kontos oder Ihrer Karten bei { $host }. Sie wurde automatisch verfasst.

label-event = Veranstaltung
label-time = Wann
label-venue = Wo
label-tickets = Karten
label-total = Gesamt
label-order = Bestellung
label-amount = Betrag

confirm-email-subject = Bestätigen Sie Ihre E-Mail-Adresse
confirm-email-body =
    Bitte bestätigen Sie, dass dies Ihre E-Mail-Adresse ist. Danach können Sie Karten kaufen und verkaufen.

    Der Link gilt 24 Stunden. Wenn Sie kein Konto angelegt haben, ignorieren Sie diese Mail.
confirm-email-action = Adresse bestätigen

email-taken-subject = Sie haben bereits ein Konto
email-taken-body =
    Jemand, vielleicht Sie, wollte mit dieser E-Mail-Adresse ein Konto anlegen. Es gibt damit schon eines, deshalb wurde kein neues angelegt.

    Sie können sich anmelden, oder ein neues Passwort setzen, wenn Sie Ihres vergessen haben. Wenn Sie es nicht waren, ist nichts zu tun.
email-taken-action = Anmelden

reset-password-subject = Neues Passwort setzen
reset-password-body =
    Für Ihr Konto wurde ein neues Passwort angefordert. Damit werden Sie überall sonst abgemeldet.

    Der Link gilt einmal, innerhalb von 30 Minuten. Wenn Sie kein neues Passwort möchten, ignorieren Sie diese Mail: Es ändert sich nichts.
reset-password-action = Neues Passwort setzen

password-changed-subject = Ihr Passwort wurde geändert
password-changed-body =
    Das Passwort Ihres Kontos wurde am { $time } geändert.

    Wenn Sie es nicht waren, setzen Sie sofort ein neues Passwort.
password-changed-action = Konto öffnen

confirm-new-email-subject = Bestätigen Sie Ihre neue E-Mail-Adresse
confirm-new-email-body =
    Die E-Mail-Adresse eines Kontos soll in diese geändert werden. Bitte bestätigen Sie, dass es Ihre ist.

    Der Link gilt 24 Stunden. Wenn Sie davon nichts wissen, ignorieren Sie diese Mail.
confirm-new-email-action = Adresse bestätigen

approve-new-email-subject = Stimmen Sie der Änderung Ihrer E-Mail-Adresse zu
approve-new-email-body =
    Die E-Mail-Adresse Ihres Kontos soll geändert werden. Die Änderung gilt, sobald beide Adressen zugestimmt haben.

    Der Link gilt 24 Stunden. Wenn Sie das nicht angefordert haben, folgen Sie dem Link nicht, und setzen Sie ein neues Passwort.
approve-new-email-action = Der Änderung zustimmen

email-changed-subject = Ihre E-Mail-Adresse wurde geändert
email-changed-body =
    Die E-Mail-Adresse Ihres Kontos wurde am { $time } geändert. Dies ist die letzte Mail an diese Adresse.

    Wenn Sie es nicht waren, wenden Sie sich sofort an Ihren Marktplatz.

second-factor-enabled-subject = Der zweite Faktor ist eingeschaltet
second-factor-enabled-body =
    Seit { $time } braucht die Anmeldung an Ihrem Konto außer dem Passwort einen Code aus Ihrer App.

    Wenn Sie es nicht waren, setzen Sie sofort ein neues Passwort.
second-factor-enabled-action = Konto öffnen

second-factor-weakened-subject = Der zweite Faktor wurde geändert
second-factor-weakened-body =
    Am { $time } wurde der zweite Faktor Ihres Kontos entfernt, oder ein Wiederherstellungscode wurde benutzt.

    Wenn Sie es nicht waren, setzen Sie sofort ein neues Passwort.
second-factor-weakened-action = Konto öffnen

deletion-refused-subject = Ihr Konto wurde nicht gelöscht
deletion-refused-body =
    Sie haben am { $time } die Löschung Ihres Kontos beantragt. Es kann noch nicht gelöscht werden: Etwas ist nicht abgeschlossen, etwa eine Bestellung, eine Veranstaltung, eine Erstattung oder eine Zahlung.

    Ihre Kontoseite zeigt, was es ist. Ihr Konto kann wie bisher benutzt werden.
deletion-refused-action = Konto öffnen

account-deleted-subject = Ihr Konto wurde gelöscht
account-deleted-body =
    Ihr Konto wurde am { $time } gelöscht, und damit Ihre persönlichen Daten. Beträge früherer Bestellungen bleiben in den Büchern, ohne Ihren Namen.

    Dies ist die letzte Mail an Sie.

order-confirmed-subject =
    { $count ->
        [one] Ihre Karte für { $title }
       *[other] Ihre { $count } Karten für { $title }
    }
order-confirmed-body =
    { $count ->
        [one] Ihre Bestellung ist abgeschlossen. Ihre Karte hängt an dieser Mail: Drucken Sie sie aus, oder zeigen Sie sie am Eingang auf dem Telefon.
       *[other] Ihre Bestellung ist abgeschlossen. Ihre Karten hängen an dieser Mail: Drucken Sie sie aus, oder zeigen Sie sie am Eingang auf dem Telefon.
    }

    Jeder Code lässt eine Person ein, einmal. Zeigen Sie ihn vor dem Eingang niemandem.
order-confirmed-action = Bestellung öffnen

order-expired-subject = Ihre Bestellung ist abgelaufen: { $title }
order-expired-body =
    Ihre Bestellung wurde nicht rechtzeitig abgeschlossen. Die Karten sind wieder im Verkauf, und nichts wurde abgebucht.

    Wenn Sie noch hingehen möchten, bestellen Sie neu.
order-expired-action = Veranstaltung öffnen

refund-requested-subject = Eine Erstattung ist angefragt: { $title }
refund-requested-body =
    { $count ->
        [one] Ein Käufer bittet um die Erstattung einer Karte. Sie entscheiden. Bis dahin gilt die Karte.
       *[other] Ein Käufer bittet um die Erstattung von { $count } Karten. Sie entscheiden. Bis dahin gelten die Karten.
    }
refund-requested-action = Über die Erstattung entscheiden

refund-paid-subject =
    { $price ->
        [free] Erstattet: { $title }
       *[paid] Erstattung von { $amount } für { $title }
    }
refund-paid-body =
    { $count ->
        [one] Eine Karte Ihrer Bestellung ist erstattet. Sie gilt nicht mehr.
       *[other] { $count } Karten Ihrer Bestellung sind erstattet. Sie gelten nicht mehr.
    }

    { $price ->
        [free] { "" }
       *[paid] Der Betrag geht auf die Kreditkarte zurück, mit der Sie bezahlt haben. Banken brauchen bis zu zehn Tage.
    }
refund-paid-action = Bestellung öffnen

refund-failed-subject = Ihre Erstattung konnte nicht gezahlt werden: { $title }
refund-failed-body =
    { $count ->
        [one] Die Erstattung einer Karte konnte nicht auf Ihre Kreditkarte gezahlt werden. Die Karte bleibt Ihre und gültig.
       *[other] Die Erstattung von { $count } Karten konnte nicht auf Ihre Kreditkarte gezahlt werden. Die Karten bleiben Ihre und gültig.
    }

    Die Seite Ihrer Bestellung zeigt, was Sie tun können.
refund-failed-action = Bestellung öffnen

refund-declined-subject = Ihre Erstattung wurde abgelehnt: { $title }
refund-declined-body =
    { $count ->
        [one] Der Veranstalter hat die Erstattung einer Karte abgelehnt. Die Karte bleibt Ihre und gültig.
       *[other] Der Veranstalter hat die Erstattung von { $count } Karten abgelehnt. Die Karten bleiben Ihre und gültig.
    }
refund-declined-action = Bestellung öffnen

listing-withdrawn-subject = Zurückgezogen: { $title }
listing-withdrawn-body =
    Der Veranstalter hat { $title } zurückgezogen. Karten werden ihren Käufern erstattet; dafür muss niemand etwas tun.

    Wer gekauft hat, erhält eine weitere Mail, sobald die Erstattung gezahlt ist. Danach gelten die Karten nicht mehr.
listing-withdrawn-action = Veranstaltung öffnen

transfer-offered-subject = Eine Karte für Sie
transfer-offered-body =
    Jemand möchte Ihnen eine Karte geben. Für welche Veranstaltung, zeigt die Seite des Links.

    Nehmen Sie sie mit dem Link bis { $expires } an. Sie erhalten die Karte dann auf Ihren Namen. Wenn Sie sie nicht möchten, ignorieren Sie diese Mail: Die Karte bleibt bei der Person, die sie angeboten hat.
transfer-offered-action = Karte ansehen

transfer-accepted-subject = Ihre Karte hat einen neuen Inhaber: { $title }
transfer-accepted-body =
    Die Karte für { $title }, die Sie weitergegeben haben, wurde angenommen. Sie lautet auf den Namen des neuen Inhabers, und Ihr Code dafür gilt nicht mehr.
transfer-accepted-action = Bestellungen öffnen

transfer-returned-subject = Ihre Karte gehört wieder Ihnen: { $title }
transfer-returned-body =
    Die Karte für { $title }, die Sie weitergeben wollten, wurde nicht angenommen. Sie bleibt Ihre, mit demselben Code.
transfer-returned-action = Bestellungen öffnen

ticket-received-subject = Ihre Karte für { $title }
ticket-received-body =
    Die Karte gehört Ihnen. Sie hängt an dieser Mail: Drucken Sie sie aus, oder zeigen Sie sie am Eingang auf dem Telefon.

    Der Code lässt eine Person ein, einmal. Zeigen Sie ihn vor dem Eingang niemandem.
ticket-received-action = Karten öffnen
