// A page of a shop as Stripe's guide writes it (https://docs.stripe.com/payments/accept-a-payment).
const query = new URLSearchParams(location.search);
const clientSecret = query.get('secret');
const show = (id, value) => {
  document.getElementById(id).textContent = value;
};
const stripe = Stripe(query.get('key'), { locale: query.get('locale') ?? 'en' });
const elements = stripe.elements({ clientSecret, appearance: { theme: query.get('theme') ?? 'stripe' } });
const element = elements.create('payment');
const seen = [];
for (const name of ['ready', 'loaderror', 'change']) {
  element.on(name, (event) => {
    seen.push(event);
    show('events', JSON.stringify(seen));
  });
}
element.mount('#payment');
document.getElementById('pay').addEventListener('submit', async (event) => {
  event.preventDefault();
  show('result', '');
  const { error: invalid } = await elements.submit();
  const result = invalid
    ? { error: invalid }
    : await stripe.confirmPayment({
        elements,
        confirmParams: { return_url: `${location.origin}/done` },
        redirect: query.get('redirect') ?? 'if_required',
      });
  show('result', JSON.stringify(result));
});
