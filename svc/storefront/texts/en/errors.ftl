# The title of a page that shows the errors of a form begins with this.
error-in-form = Error:
error-not-found = Page not found
error-not-found-explanation = The page does not exist, or it has moved. If you typed the address, check it.
error-forbidden = This is not allowed
error-forbidden-explanation = Your account may not do this, or the request came from another site.
error-too-large = That is too much
error-too-large-explanation = The form is larger than we accept. Shorten it and send it again.
error-too-many = Too many attempts
error-too-many-explanation = Please wait a moment, then try again.
error-unavailable = We cannot do this at the moment
error-unavailable-explanation = A part of our service does not respond. Nothing is lost. Please try again in a moment.
error-malformed = We did not understand this request
error-malformed-explanation = Go back, reload the page and try again.
error-internal = Something went wrong on our side
error-internal-explanation = We have recorded the error. Please try again.
error-try-again = Try again
error-home = Browse events
