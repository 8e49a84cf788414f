// The frame of the Payment Element: the only place where a card number is read.
(() => {
  'use strict';

  const TEXTS = {
    en: {
      number: 'Card number', expiry: 'Expiration date', cvc: 'Security code', title: 'Secure payment input frame',
      month: 'MM / YY', test: 'Test mode: which cards can I use?', approved: 'approved',
      authenticated: 'asks for 3-D Secure', declined: 'declined', insufficient: 'declined: insufficient funds',
      any: 'Any date in the future and any three digits.',
      incomplete_number: 'Your card number is incomplete.',
      invalid_number: 'Your card number is invalid.',
      incomplete_expiry: "Your card's expiration date is incomplete.",
      invalid_expiry_month: "Your card's expiration date is invalid.",
      invalid_expiry_month_past: "Your card's expiration date is in the past.",
      invalid_expiry_year_past: "Your card's expiration year is in the past.",
      invalid_expiry_year: "Your card's expiration year is invalid.",
      incomplete_cvc: "Your card's security code is incomplete.",
    },
    de: {
      number: 'Kartennummer', expiry: 'Ablaufdatum', cvc: 'Sicherheitscode', title: 'Sicherer Eingaberahmen für Zahlungen',
      month: 'MM / JJ', test: 'Testmodus: Welche Karten gehen?', approved: 'wird angenommen',
      authenticated: 'verlangt 3-D Secure', declined: 'wird abgelehnt', insufficient: 'abgelehnt: keine Deckung',
      any: 'Ein beliebiges Datum in der Zukunft und drei beliebige Ziffern.',
      incomplete_number: 'Die Kartennummer ist unvollständig.',
      invalid_number: 'Die Kartennummer ist ungültig.',
      incomplete_expiry: 'Das Ablaufdatum der Karte ist unvollständig.',
      invalid_expiry_month: 'Das Ablaufdatum der Karte ist ungültig.',
      invalid_expiry_month_past: 'Das Ablaufdatum der Karte liegt in der Vergangenheit.',
      invalid_expiry_year_past: 'Das Ablaufjahr der Karte liegt in der Vergangenheit.',
      invalid_expiry_year: 'Das Ablaufjahr der Karte ist ungültig.',
      incomplete_cvc: 'Der Sicherheitscode der Karte ist unvollständig.',
    },
  };
  const VARIABLES = [
    'colorPrimary', 'colorBackground', 'colorText', 'colorTextSecondary', 'colorTextPlaceholder', 'colorDanger',
    'borderRadius', 'fontFamily', 'fontSizeBase', 'spacingUnit',
  ];
  const FIELDS = ['number', 'expiry', 'cvc'];

  const form = document.getElementById('card');
  const inputs = Object.fromEntries(FIELDS.map((name) => [name, document.getElementById(name)]));
  const root = document.documentElement;
  const touched = new Set();
  let port = null;
  let options = {};
  let lastChange = '';

  const text = (name) => TEXTS[options.language === 'de' ? 'de' : 'en'][name];
  const digits = (input) => input.value.replace(/\D/g, '');
  const send = (message) => port?.postMessage(message);
  const emit = (event, value = {}) => send({ type: 'event', event, value });

  /** Returns the groups and lengths of the numbers of a brand (ISO/IEC 7812). */
  const brandOf = (number) => {
    if (/^3[47]/.test(number)) return { name: 'amex', groups: [4, 6, 5], lengths: [15], cvc: 4 };
    if (/^3(?:0|6|8)/.test(number)) return { name: 'diners', groups: [4, 6, 4, 5], lengths: [14, 16, 19], cvc: 3 };
    if (/^(?:62|81)/.test(number)) return { name: 'unionpay', groups: [4, 4, 4, 4, 3], lengths: [16, 17, 18, 19], cvc: 3 };
    return { name: 'other', groups: [4, 4, 4, 4, 3], lengths: [16], cvc: 3 };
  };

  /** Whether the check digit is right (the Luhn formula). */
  const hasCheckDigit = (number) => {
    let sum = 0;
    [...number].reverse().forEach((digit, index) => {
      const doubled = index % 2 ? Number(digit) * 2 : Number(digit);
      sum += doubled > 9 ? doubled - 9 : doubled;
    });
    return sum % 10 === 0;
  };

  const expiryOf = () => {
    const match = /^(\d{1,2})\s*\/\s*(\d{2}|\d{4})$/.exec(inputs.expiry.value.trim());
    if (!match) return null;
    return { month: Number(match[1]), year: match[2].length === 2 ? 2000 + Number(match[2]) : Number(match[2]) };
  };

  /** Returns the code of the error of a field, or null. */
  const errorOf = {
    number() {
      const number = digits(inputs.number);
      const { lengths } = brandOf(number);
      if (number.length < lengths[0]) return 'incomplete_number';
      return lengths.includes(number.length) && hasCheckDigit(number) ? null : 'invalid_number';
    },
    expiry() {
      const expiry = expiryOf();
      if (!expiry) return 'incomplete_expiry';
      if (expiry.month < 1 || expiry.month > 12) return 'invalid_expiry_month';
      const now = new Date();
      const [year, month] = [now.getFullYear(), now.getMonth() + 1];
      if (expiry.year < year) return 'invalid_expiry_year_past';
      if (expiry.year === year && expiry.month < month) return 'invalid_expiry_month_past';
      return expiry.year > year + 50 ? 'invalid_expiry_year' : null;
    },
    cvc() {
      return digits(inputs.cvc).length === brandOf(digits(inputs.number)).cvc ? null : 'incomplete_cvc';
    },
  };

  const showError = (name) => {
    const code = touched.has(name) ? errorOf[name]() : null;
    const message = code ? text(code) : '';
    const shown = document.getElementById(`${name}-error`);
    // An unchanged message is not announced again.
    if (shown.textContent !== message) shown.textContent = message;
    inputs[name].setAttribute('aria-invalid', String(Boolean(code)));
  };

  const emitChange = () => {
    const value = {
      complete: FIELDS.every((name) => errorOf[name]() === null),
      empty: FIELDS.every((name) => inputs[name].value === ''),
      collapsed: false,
      value: { type: 'card' },
    };
    const change = JSON.stringify(value);
    if (change === lastChange) return;
    lastChange = change;
    emit('change', value);
  };

  /** Groups the digits, and keeps the caret behind the digit that it was behind. */
  const regroup = (input, groups) => {
    const caret = input.value.slice(0, input.selectionStart).replace(/\D/g, '').length;
    let rest = digits(input).slice(0, 19);
    const parts = [];
    for (const size of groups) {
      if (!rest) break;
      parts.push(rest.slice(0, size));
      rest = rest.slice(size);
    }
    const grouped = parts.join(' ');
    if (grouped === input.value) return;
    input.value = grouped;
    let position = 0;
    for (let seen = 0; seen < caret && position < grouped.length; position += 1) {
      if (grouped[position] !== ' ') seen += 1;
    }
    input.setSelectionRange(position, position);
  };

  /** Writes `MM / YY` while digits are typed; leaves what is deleted or inserted elsewhere as it is. */
  const formatExpiry = (event) => {
    const input = inputs.expiry;
    if (event.inputType?.startsWith('delete') || input.selectionStart !== input.value.length) return;
    if (/^\d{1,2}\s*\/\s*\d*$/.test(input.value)) {
      const [month, year] = input.value.split('/').map((part) => part.trim());
      input.value = `${month.padStart(2, '0')} / ${year.slice(0, 4)}`;
      return;
    }
    const all = digits(input);
    if (/^[2-9]$/.test(all)) input.value = `0${all} / `;
    else if (all.length === 2) input.value = `${all} / `;
    else if (all.length > 2) input.value = `${all.slice(0, 2)} / ${all.slice(2, 6)}`;
  };

  const applyOptions = (given) => {
    options = { ...options, ...given };
    root.lang = options.language === 'de' ? 'de' : 'en';
    document.title = text('title');
    for (const element of document.querySelectorAll('[data-text]')) element.textContent = text(element.dataset.text);
    inputs.expiry.placeholder = text('month');
    const { theme, variables = {} } = options.appearance ?? {};
    root.dataset.theme = theme === 'night' ? 'night' : 'stripe';
    for (const name of VARIABLES) {
      if (typeof variables[name] === 'string') root.style.setProperty(`--${name}`, variables[name]);
      else root.style.removeProperty(`--${name}`);
    }
    FIELDS.forEach(showError);
  };

  /** Requests the API. Returns `{ body }` or `{ error }`. */
  const api = async (method, path, fields) => {
    const form = new URLSearchParams({ ...fields, key: options.key });
    let response;
    let body;
    try {
      response =
        method === 'POST'
          ? await fetch(path, { method, body: form, credentials: 'omit' })
          : await fetch(`${path}?${form}`, { credentials: 'omit', cache: 'no-store' });
      body = await response.json();
    } catch {
      const message = 'An unexpected error occurred while contacting the payment service.';
      return { error: { type: 'api_connection_error', message } };
    }
    return response.ok ? { body } : { error: body.error };
  };

  const validate = () => {
    FIELDS.forEach((name) => touched.add(name));
    FIELDS.forEach(showError);
    const first = FIELDS.find((name) => errorOf[name]() !== null);
    if (!first) return { selectedPaymentMethod: 'card' };
    inputs[first].focus();
    const code = errorOf[first]();
    return { error: { type: 'validation_error', code, message: text(code) } };
  };

  /** Flattens nested objects into the names that the API expects. */
  const flatten = (prefix, value, fields) => {
    if (value === null || value === undefined) return;
    if (typeof value === 'object') {
      for (const [name, inner] of Object.entries(value)) flatten(`${prefix}[${name}]`, inner, fields);
    } else {
      fields[prefix] = String(value);
    }
  };

  const confirm = async ({ clientSecret, returnUrl, billing }) => {
    const id = clientSecret.split('_secret_')[0];
    const { month, year } = expiryOf();
    const fields = {
      client_secret: clientSecret,
      use_stripe_sdk: 'true',
      'payment_method_data[type]': 'card',
      'payment_method_data[card][number]': digits(inputs.number),
      'payment_method_data[card][exp_month]': String(month),
      'payment_method_data[card][exp_year]': String(year),
      'payment_method_data[card][cvc]': digits(inputs.cvc),
    };
    flatten('payment_method_data[billing_details]', billing, fields);
    if (returnUrl) fields.return_url = returnUrl;
    FIELDS.forEach((name) => (inputs[name].disabled = true));
    const { body, error } = await api('POST', `/v1/payment_intents/${encodeURIComponent(id)}/confirm`, fields);
    FIELDS.forEach((name) => (inputs[name].disabled = false));
    return error ? { error } : { paymentIntent: body };
  };

  const answer = async (message) => {
    switch (message.type) {
      case 'options':
        applyOptions(message.options);
        return;
      case 'focus':
        inputs.number.focus();
        return;
      case 'blur':
        document.activeElement?.blur();
        return;
      case 'clear':
        FIELDS.forEach((name) => (inputs[name].value = ''));
        touched.clear();
        FIELDS.forEach(showError);
        emitChange();
        return;
      case 'validate':
        send({ type: 'result', call: message.call, result: validate() });
        return;
      case 'confirm':
        send({ type: 'result', call: message.call, result: await confirm(message) });
    }
  };

  /** Reads the intent, so that a wrong key or secret is an error before a card is entered. */
  const load = async () => {
    const id = String(options.clientSecret).split('_secret_')[0];
    const path = `/v1/payment_intents/${encodeURIComponent(id)}`;
    const { error } = await api('GET', path, { client_secret: options.clientSecret });
    if (error) {
      emit('loaderror', { error });
      return;
    }
    form.hidden = false;
    new ResizeObserver(() => send({ type: 'height', height: document.body.scrollHeight })).observe(document.body);
    emit('ready');
  };

  window.addEventListener('message', (event) => {
    // Only the page that embeds this frame, once: everything else travels through the channel.
    if (port || event.source !== window.parent || event.data?.type !== 'stripe-sim:connect' || !event.ports[0]) return;
    [port] = event.ports;
    port.onmessage = (message) => answer(message.data);
    applyOptions(event.data.options);
    load();
  });

  for (const name of FIELDS) {
    inputs[name].addEventListener('input', (event) => {
      if (name === 'number') regroup(inputs.number, brandOf(digits(inputs.number)).groups);
      if (name === 'expiry') formatExpiry(event);
      if (name === 'cvc') inputs.cvc.value = digits(inputs.cvc).slice(0, 4);
      if (touched.has(name)) showError(name);
      if (name === 'number' && touched.has('cvc')) showError('cvc');
      emitChange();
    });
    inputs[name].addEventListener('blur', () => {
      if (inputs[name].value !== '') touched.add(name);
      showError(name);
    });
  }
  form.addEventListener('focusin', () => emit('focus'));
  form.addEventListener('focusout', () => emit('blur'));
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') emit('escape');
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send({ type: 'submit' });
  });
})();
