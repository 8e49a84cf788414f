// Card entry with Stripe's Payment Element (https://docs.stripe.com/payments/payment-element). The card is entered in a frame of
// Stripe's: no script of this site reads it.

const order = document.querySelector('[data-order]');
const form = document.querySelector('[data-card]');
const texts = form.dataset;
const pay = form.querySelector('[data-submit]');
const message = form.querySelector('[data-message]');
const dark = matchMedia('(prefers-color-scheme: dark)');

/** The errors after which the payment may have been received nevertheless. */
const UNKNOWN_RESULTS = ['api_connection_error', 'api_error'];

/** How long the page waits for the services after the card was accepted, in milliseconds. */
const RESULT_TIMEOUT = 60_000;

const loadScript = (address) =>
  new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = address;
    script.onload = resolve;
    script.onerror = () => reject(new Error('the script of the card form could not be loaded'));
    document.head.append(script);
  });

/** Returns the looks of the card form: those of this page. */
const appearance = () => {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(name).trim();
  const variables = {};
  for (const [variable, name] of [
    ['colorPrimary', '--accent'],
    ['colorBackground', '--surface'],
    ['colorText', '--ink'],
    ['colorTextSecondary', '--ink-soft'],
    ['colorTextPlaceholder', '--ink-soft'],
    ['colorDanger', '--bad'],
  ]) {
    const value = token(name);
    // Stripe reads colours only, not the functions and references that a stylesheet may have.
    if (/^#[0-9a-f]{3,8}$/i.test(value)) variables[variable] = value;
  }
  return { theme: dark.matches ? 'night' : 'stripe', variables };
};

const show = (text) => {
  message.textContent = text;
  message.hidden = !text;
};

const setBusy = (isBusy) => {
  // The script of the order does not show another page meanwhile.
  order.toggleAttribute('data-held', isBusy);
  if (!isBusy) order.dispatchEvent(new Event('released'));
  pay.disabled = isBusy;
  form.setAttribute('aria-busy', String(isBusy));
  pay.textContent = isBusy ? texts.paying : texts.pay;
};

/** Shows the order once the services know the result; the browser is not believed. */
const showResult = async () => {
  const began = performance.now();
  form.hidden = true;
  const status = document.querySelector('[data-progress]');
  status.hidden = false;
  status.textContent = texts.processing;
  while (performance.now() - began < RESULT_TIMEOUT) {
    try {
      const response = await fetch(texts.state, { redirect: 'manual', cache: 'no-store' });
      if (!response.ok) break;
      if ((await response.json()).revision !== order.dataset.revision) break;
    } catch {
      // Without a connection the order stays; the next request may have one.
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  location.replace(texts.path);
};

/** Shows what went wrong, `failed` if the card did not cause it, or the order if the payment cannot be continued here. */
const showError = (error, failed) => {
  // The fields show their own errors.
  if (error.type === 'validation_error') return;
  if (error.code === 'payment_intent_unexpected_state') {
    location.replace(texts.path);
    return;
  }
  show(error.type === 'card_error' || error.code === 'payment_intent_authentication_failure' ? error.message : failed);
  message.focus();
};

const run = async () => {
  try {
    await loadScript(texts.script);
  } catch {
    show(texts.unavailable);
    return;
  }
  const stripe = window.Stripe(texts.key, { locale: document.documentElement.lang });
  const secret = texts.secret;
  const confirmed = ({ error }) => {
    if (!error) return showResult();
    setBusy(false);
    // The script of the order checks the result.
    showError(error, UNKNOWN_RESULTS.includes(error.type) ? texts.unknown : texts.failed);
  };

  if (texts.step === 'ask-bank') {
    pay.hidden = false;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      show('');
      setBusy(true);
      try {
        await confirmed(await stripe.handleNextAction({ clientSecret: secret }));
      } catch {
        // The bank has decided meanwhile.
        location.replace(texts.path);
      }
    });
    return;
  }

  const elements = stripe.elements({ clientSecret: secret, appearance: appearance() });
  const element = elements.create('payment');
  element.on('ready', () => {
    form.querySelector('[data-loading]').hidden = true;
    pay.hidden = false;
  });
  element.on('loaderror', () => {
    form.querySelector('[data-loading]').hidden = true;
    show(texts.unavailable);
  });
  dark.addEventListener('change', () => elements.update({ appearance: appearance() }));
  element.mount('#payment-element');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (pay.disabled) return;
    show('');
    setBusy(true);
    let failed = texts.failed;
    try {
      const { error } = await elements.submit();
      if (error) {
        setBusy(false);
        showError(error, failed);
        return;
      }
      failed = texts.unknown;
      await confirmed(
        await stripe.confirmPayment({
          elements,
          confirmParams: { return_url: new URL(texts.path, location.origin).href },
          redirect: 'if_required',
        }),
      );
    } catch {
      setBusy(false);
      show(failed);
    }
  });
};

run();
