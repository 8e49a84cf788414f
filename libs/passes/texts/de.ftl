# Gedruckte Karten auf Deutsch.

label-time = Wann
label-venue = Wo
label-holder = Inhaber
label-ticket = Karte

ticket-number = { $number } von { $of }
ticket-note = Lässt eine Person ein, einmal. Zeigen Sie sie nur am Eingang.
