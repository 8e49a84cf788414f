// Stripe.js as far as a page with the Payment Element needs it, served by the Stripe simulator.
//
// Names, results and errors are those of https://docs.stripe.com/js. Card numbers stay in the frame of the element, which
// is served by the simulator: the page and this script never read them.
(() => {
  'use strict';
  if (window.Stripe) return;

  /** The origin of the simulator, from which this script was loaded. */
  const ORIGIN = new URL(document.currentScript.src).origin;
  /** The time in milliseconds after which a frame that does not answer counts as not loaded. */
  const LOAD_TIMEOUT = 20_000;

  /** A wrong use of the library: a defect of the page, not of the payment. */
  class IntegrationError extends Error {
    constructor(message) {
      super(message);
      this.name = 'IntegrationError';
    }
  }

  const MESSAGES = {
    en: {
      frame: 'Secure payment input frame',
      authentication: 'Authentication by your bank',
      unreachable: 'An unexpected error occurred while contacting the payment service. Check your connection and try again.',
      unauthenticated:
        'We are unable to authenticate your payment method. Please choose a different payment method and try again.',
    },
    de: {
      frame: 'Sicherer Eingaberahmen für Zahlungen',
      authentication: 'Bestätigung durch Ihre Bank',
      unreachable: 'Der Zahlungsdienst ist nicht erreichbar. Prüfen Sie Ihre Verbindung und versuchen Sie es erneut.',
      unauthenticated:
        'Ihre Zahlungsmethode konnte nicht bestätigt werden. Wählen Sie eine andere Zahlungsmethode und versuchen Sie es erneut.',
      card_declined: 'Ihre Karte wurde abgelehnt.',
      insufficient_funds: 'Ihre Karte hat keine ausreichende Deckung.',
      card_velocity_exceeded: 'Ihre Karte wurde abgelehnt, weil ein Limit der Karte erreicht ist.',
      expired_card: 'Ihre Karte ist abgelaufen.',
      incorrect_cvc: 'Der Sicherheitscode Ihrer Karte ist falsch.',
      incorrect_number: 'Ihre Kartennummer ist falsch.',
      processing_error: 'Bei der Verarbeitung Ihrer Karte ist ein Fehler aufgetreten. Versuchen Sie es gleich noch einmal.',
    },
  };

  const languageOf = (locale) => {
    const wanted = !locale || locale === 'auto' ? document.documentElement.lang || navigator.language : locale;
    return String(wanted).toLowerCase().split('-')[0] === 'de' ? 'de' : 'en';
  };

  const connectionError = (language) => ({ type: 'api_connection_error', message: MESSAGES[language].unreachable });

  /** Returns the error of a response in the language of the page. */
  const localized = (error, language) => {
    const text = MESSAGES[language][error.decline_code] || MESSAGES[language][error.code];
    return text ? { ...error, message: text } : error;
  };

  /** Returns the id of the intent to which a client secret belongs. */
  const intentOf = (clientSecret, caller) => {
    const match = /^(pi_[A-Za-z0-9]+)_secret_[A-Za-z0-9]+$/.exec(String(clientSecret));
    if (!match) {
      throw new IntegrationError(
        `Invalid value for ${caller}: clientSecret should be a client_secret of the form \${id}_secret_\${secret}.`,
      );
    }
    return match[1];
  };

  /** Requests the API with the publishable key. Returns `{ body }` or `{ error }`. */
  const api = async (key, language, path, fields) => {
    const query = new URLSearchParams({ ...fields, key });
    let response;
    let body;
    try {
      response = await fetch(`${ORIGIN}${path}?${query}`, { credentials: 'omit', cache: 'no-store' });
      body = await response.json();
    } catch {
      return { error: connectionError(language) };
    }
    return response.ok ? { body } : { error: localized(body.error, language) };
  };

  const retrieve = async (key, language, clientSecret, caller) => {
    const id = intentOf(clientSecret, caller);
    const { body, error } = await api(key, language, `/v1/payment_intents/${id}`, { client_secret: clientSecret });
    return error ? { error } : { paymentIntent: body };
  };

  /** Leaves the page; the promise of the caller stays open. */
  const leaveFor = (address) => {
    window.location.assign(address);
    return new Promise(() => {});
  };

  /** Sets styles without an attribute, which the policy of the page may forbid. */
  const setStyles = (element, styles) => {
    for (const [name, value] of Object.entries(styles)) element.style.setProperty(name, value);
  };

  /** Shows the page of the bank in a dialog until the cardholder has decided. */
  const authenticateInDialog = (address, language) =>
    new Promise((resolve) => {
      const page = new URL(address);
      const dialog = document.createElement('dialog');
      const frame = document.createElement('iframe');
      dialog.setAttribute('aria-label', MESSAGES[language].authentication);
      setStyles(dialog, {
        border: '0', padding: '0', width: 'min(26rem, calc(100vw - 2rem))', height: 'min(24rem, calc(100dvh - 2rem))',
        'max-width': 'none', 'max-height': 'none', overflow: 'hidden', 'border-radius': '12px',
        'box-shadow': '0 8px 40px rgb(0 0 0 / 40%)',
      });
      frame.title = MESSAGES[language].authentication;
      frame.src = `${ORIGIN}${page.pathname}?locale=${language}`;
      setStyles(frame, { border: '0', width: '100%', height: '100%', display: 'block' });
      const finish = (event) => {
        if (event.origin !== ORIGIN || event.source !== frame.contentWindow) return;
        if (event.data?.type !== 'stripe-sim:authenticated') return;
        window.removeEventListener('message', finish);
        dialog.close();
        dialog.remove();
        resolve();
      };
      window.addEventListener('message', finish);
      // Escape does not leave the payment undecided: the authentication fails.
      dialog.addEventListener('cancel', (event) => {
        event.preventDefault();
        frame.contentWindow.postMessage({ type: 'stripe-sim:cancel' }, ORIGIN);
      });
      dialog.append(frame);
      document.body.append(dialog);
      dialog.showModal();
      frame.focus();
    });

  /** The Payment Element: a frame of the simulator in an element of the page. */
  class PaymentElement {
    #key;
    #language;
    #options;
    #listeners = new Map();
    #container = null;
    #frame = null;
    #port = null;
    #waiting = new Map();
    #lastCall = 0;
    #deadline = null;
    #isReady = false;
    #isDestroyed = false;
    #onDestroy;

    constructor(key, language, options, onDestroy) {
      this.#key = key;
      this.#language = language;
      this.#options = options;
      this.#onDestroy = onDestroy;
    }

    mount(target) {
      if (this.#isDestroyed) throw new IntegrationError('This Element has already been destroyed. Please create a new one.');
      const container = typeof target === 'string' ? document.querySelector(target) : target;
      if (!(container instanceof Element)) {
        throw new IntegrationError(
          `The selector you specified (${target}) applies to no DOM elements that are currently on the page. ` +
            'Make sure the element exists on the page before calling mount().',
        );
      }
      this.unmount();
      container.replaceChildren();
      container.classList.add('StripeElement');
      this.#container = container;
      const frame = document.createElement('iframe');
      frame.title = MESSAGES[this.#language].frame;
      frame.src = `${ORIGIN}/v3/payment-element.html`;
      frame.allow = 'payment *';
      setStyles(frame, { border: '0', width: '100%', height: '1px', display: 'block', 'color-scheme': 'normal' });
      frame.addEventListener('load', () => this.#connect());
      this.#frame = frame;
      this.#deadline = setTimeout(() => this.#failToLoad(connectionError(this.#language)), LOAD_TIMEOUT);
      container.append(frame);
      this.#emit('loaderstart', {});
      return this;
    }

    unmount() {
      clearTimeout(this.#deadline);
      this.#port?.close();
      this.#frame?.remove();
      this.#container?.classList.remove('StripeElement');
      for (const resolve of this.#waiting.values()) resolve({ error: connectionError(this.#language) });
      this.#waiting.clear();
      this.#container = this.#frame = this.#port = null;
      this.#isReady = false;
      return this;
    }

    destroy() {
      this.unmount();
      this.#isDestroyed = true;
      this.#onDestroy();
      return this;
    }

    update(options) {
      Object.assign(this.#options, options);
      this.#port?.postMessage({ type: 'options', options: this.#frameOptions() });
      return this;
    }

    on(event, handler) {
      if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
      this.#listeners.get(event).add(handler);
      return this;
    }

    once(event, handler) {
      const once = (value) => {
        this.off(event, once);
        handler(value);
      };
      return this.on(event, once);
    }

    off(event, handler) {
      if (handler) this.#listeners.get(event)?.delete(handler);
      else this.#listeners.delete(event);
      return this;
    }

    focus() {
      this.#frame?.focus();
      this.#port?.postMessage({ type: 'focus' });
      return this;
    }

    blur() {
      this.#port?.postMessage({ type: 'blur' });
      return this;
    }

    clear() {
      this.#port?.postMessage({ type: 'clear' });
      return this;
    }

    collapse() {
      return this;
    }

    /** Calls the frame; used by `elements` and `confirmPayment`. */
    _call(type, fields = {}) {
      if (!this.#port || !this.#isReady) {
        throw new IntegrationError(
          'We could not retrieve data from the specified Element. Please make sure the Element you are attempting to use ' +
            'is still mounted.',
        );
      }
      const call = ++this.#lastCall;
      return new Promise((resolve) => {
        this.#waiting.set(call, resolve);
        this.#port.postMessage({ ...fields, type, call });
      });
    }

    #frameOptions() {
      const { appearance, layout, clientSecret } = this.#options;
      return {
        key: this.#key,
        language: this.#language,
        clientSecret,
        appearance: JSON.parse(JSON.stringify(appearance ?? {})),
        layout: JSON.parse(JSON.stringify(layout ?? {})),
      };
    }

    /** Hands the frame one end of a channel. Only a document of the simulator receives it. */
    #connect() {
      this.#port?.close();
      const { port1, port2 } = new MessageChannel();
      this.#port = port1;
      port1.onmessage = (event) => this.#receive(event.data);
      this.#frame.contentWindow.postMessage({ type: 'stripe-sim:connect', options: this.#frameOptions() }, ORIGIN, [port2]);
    }

    #receive(message) {
      switch (message.type) {
        case 'height':
          if (this.#frame) setStyles(this.#frame, { height: `${message.height}px` });
          return;
        case 'result': {
          const resolve = this.#waiting.get(message.call);
          this.#waiting.delete(message.call);
          resolve?.(message.result);
          return;
        }
        case 'submit':
          this.#container?.closest('form')?.requestSubmit();
          return;
        case 'event':
          if (message.event === 'loaderror') {
            this.#failToLoad(message.value.error);
            return;
          }
          if (message.event === 'ready') {
            clearTimeout(this.#deadline);
            this.#isReady = true;
          }
          this.#emit(message.event, message.value);
      }
    }

    #failToLoad(error) {
      clearTimeout(this.#deadline);
      this.#emit('loaderror', { error: localized(error, this.#language) });
    }

    #emit(event, value) {
      for (const handler of [...(this.#listeners.get(event) ?? [])]) handler({ elementType: 'payment', ...value });
    }
  }

  /** The `elements` object: options that its element shares. */
  class Elements {
    #key;
    #options;
    #language;
    #element = null;

    constructor(key, options, language) {
      this.#key = key;
      this.#options = options;
      this.#language = language;
      if (options.clientSecret === undefined) {
        throw new IntegrationError('The Stripe simulator supports elements() with a clientSecret only.');
      }
      intentOf(options.clientSecret, 'elements()');
    }

    create(type, options = {}) {
      if (type !== 'payment') {
        throw new IntegrationError(`A valid Element name must be provided. The Stripe simulator supports: payment; you specified: ${type}.`);
      }
      if (this.#element) {
        throw new IntegrationError("Can only create one Element of type payment through elements().");
      }
      this.#element = new PaymentElement(this.#key, this.#language, { ...this.#options, ...options }, () => {
        this.#element = null;
      });
      return this.#element;
    }

    getElement(type) {
      return type === 'payment' ? this.#element : null;
    }

    update(options) {
      if (options.locale !== undefined) this.#language = languageOf(options.locale);
      this.#options = { ...this.#options, ...options };
      this.#element?.update(options);
    }

    async fetchUpdates() {
      const { error } = await retrieve(this.#key, this.#language, this.#options.clientSecret, 'fetchUpdates()');
      return error ? { error } : {};
    }

    /** Validates the fields and shows their errors. */
    submit() {
      return this._element('elements.submit()')._call('validate');
    }

    get _clientSecret() {
      return this.#options.clientSecret;
    }

    _element(caller) {
      if (!this.#element) {
        throw new IntegrationError(`${caller}: no Payment Element was created. Call elements.create('payment') and mount it.`);
      }
      return this.#element;
    }
  }

  class StripeObject {
    #key;
    #language;

    constructor(key, options) {
      this.#key = key;
      this.#language = languageOf(options.locale);
    }

    elements(options = {}) {
      return new Elements(this.#key, options, options.locale ? languageOf(options.locale) : this.#language);
    }

    async confirmPayment(options) {
      const { elements, confirmParams = {}, redirect = 'always' } = options ?? {};
      if (!['always', 'if_required'].includes(redirect)) {
        throw new IntegrationError(`Invalid value for confirmPayment(): redirect should be one of: always, if_required. You specified: ${redirect}.`);
      }
      const clientSecret = options?.clientSecret ?? elements?._clientSecret;
      if (clientSecret === undefined) {
        throw new IntegrationError('Missing value for confirmPayment(): elements or clientSecret is required.');
      }
      intentOf(clientSecret, 'confirmPayment()');
      if (redirect === 'always' && !confirmParams.return_url) {
        throw new IntegrationError('Invalid value for confirmPayment(): confirmParams.return_url is required unless redirect is if_required.');
      }
      const returnUrl = confirmParams.return_url === undefined ? undefined : absoluteUrl(confirmParams.return_url);
      const element = elements && elements._element('confirmPayment()');
      if (!element) throw new IntegrationError('confirmPayment() without elements is not supported by the Stripe simulator.');
      const validated = await element._call('validate');
      if (validated.error) return { error: validated.error };
      const billing = confirmParams.payment_method_data?.billing_details;
      const result = await element._call('confirm', {
        clientSecret,
        returnUrl,
        billing: billing && JSON.parse(JSON.stringify(billing)),
      });
      if (result.error) return { error: localized(result.error, this.#language) };
      return this.#proceed(result.paymentIntent, clientSecret, { redirect, returnUrl });
    }

    async handleNextAction(options) {
      const clientSecret = options?.clientSecret;
      const { paymentIntent, error } = await retrieve(this.#key, this.#language, clientSecret, 'handleNextAction()');
      if (error) return { error };
      if (paymentIntent.status !== 'requires_action') {
        throw new IntegrationError(
          `handleNextAction: The PaymentIntent supplied is not in the requires_action state. Its status is ${paymentIntent.status}.`,
        );
      }
      return this.#proceed(paymentIntent, clientSecret, { redirect: 'if_required' });
    }

    async retrievePaymentIntent(clientSecret) {
      return retrieve(this.#key, this.#language, clientSecret, 'retrievePaymentIntent()');
    }

    /** Completes the actions that an intent requires. */
    async #proceed(paymentIntent, clientSecret, { redirect, returnUrl }) {
      let intent = paymentIntent;
      if (intent.status === 'requires_action') {
        const action = intent.next_action ?? {};
        if (action.type === 'redirect_to_url') return leaveFor(action.redirect_to_url.url);
        await authenticateInDialog(action.use_stripe_sdk.stripe_js, this.#language);
        const after = await retrieve(this.#key, this.#language, clientSecret, 'confirmPayment()');
        if (after.error) return { error: after.error };
        intent = after.paymentIntent;
        if (intent.status === 'requires_payment_method') return { error: this.#authenticationError(intent) };
      }
      if (redirect === 'if_required') return { paymentIntent: intent };
      const address = new URL(returnUrl);
      address.searchParams.append('payment_intent', intent.id);
      address.searchParams.append('payment_intent_client_secret', clientSecret);
      address.searchParams.append('redirect_status', 'succeeded');
      return leaveFor(address.href);
    }

    /** Returns the error of an intent whose card was refused after the cardholder was asked. */
    #authenticationError(intent) {
      const last = intent.last_payment_error ?? {};
      if (last.code !== 'payment_intent_authentication_failure') {
        return localized({ ...last, payment_intent: intent }, this.#language);
      }
      return {
        type: 'invalid_request_error',
        code: last.code,
        doc_url: last.doc_url,
        message: MESSAGES[this.#language].unauthenticated,
        payment_method: last.payment_method,
        payment_intent: intent,
      };
    }
  }

  const absoluteUrl = (text) => {
    let url;
    try {
      url = new URL(text);
    } catch {
      url = null;
    }
    if (!url || !['http:', 'https:'].includes(url.protocol)) {
      throw new IntegrationError('Invalid value for confirmPayment(): return_url must be an absolute URL with http or https.');
    }
    return url.href;
  };

  const Stripe = function Stripe(key, options = {}) {
    if (typeof key !== 'string' || !key) {
      throw new IntegrationError('Missing value for Stripe(): apiKey should be a string.');
    }
    if (!key.startsWith('pk_')) {
      throw new IntegrationError(
        'You should not use your secret key with Stripe.js. Please pass a publishable key instead.',
      );
    }
    return new StripeObject(key, options);
  };
  Stripe.version = 3;
  window.Stripe = Stripe;
})();
