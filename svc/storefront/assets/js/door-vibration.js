// Makes a phone vibrate with a verdict: once and briefly if somebody is admitted, twice otherwise.
const ADMITTED = 80;
const REFUSED = [200, 100, 200];

export const vibrate = (verdict) => {
  // Before somebody has touched the page, the browser refuses with a message in the console.
  if (!navigator.userActivation?.hasBeenActive) return;
  navigator.vibrate?.(verdict.classList.contains('verdict--good') ? ADMITTED : REFUSED);
};
