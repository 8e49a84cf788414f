// The page of the bank in a frame: reports that the cardholder has decided, and cancels on behalf of the page around it.
(() => {
  'use strict';
  if (window.parent === window) return;
  if (document.documentElement.dataset.state === 'decided') {
    // It carries no secret: any page around this frame may receive it.
    window.parent.postMessage({ type: 'stripe-sim:authenticated' }, '*');
    return;
  }
  const fail = document.querySelector('button[value=fail]');
  window.addEventListener('message', (event) => {
    if (event.source === window.parent && event.data?.type === 'stripe-sim:cancel') fail.click();
  });
})();
