# Damit beginnt der Titel einer Seite, die Fehler eines Formulars zeigt.
error-in-form = Fehler:
error-not-found = Seite nicht gefunden
error-not-found-explanation = Die Seite gibt es nicht, oder sie ist umgezogen. Falls Sie die Adresse eingetippt haben, prüfen Sie sie bitte.
error-forbidden = Das ist nicht erlaubt
error-forbidden-explanation = Ihr Konto darf das nicht, oder die Anfrage kam von einer anderen Website.
error-too-large = Das ist zu viel
error-too-large-explanation = Das Formular ist größer, als wir annehmen. Bitte kürzen Sie es und senden Sie es noch einmal.
error-too-many = Zu viele Versuche
error-too-many-explanation = Bitte warten Sie einen Moment und versuchen Sie es dann noch einmal.
error-unavailable = Das geht im Moment nicht
error-unavailable-explanation = Ein Teil unseres Dienstes antwortet nicht. Es geht nichts verloren. Bitte versuchen Sie es gleich noch einmal.
error-malformed = Diese Anfrage haben wir nicht verstanden
error-malformed-explanation = Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal.
error-internal = Bei uns ist etwas schiefgegangen
error-internal-explanation = Wir haben den Fehler aufgezeichnet. Bitte versuchen Sie es noch einmal.
error-try-again = Noch einmal versuchen
error-home = Veranstaltungen ansehen
