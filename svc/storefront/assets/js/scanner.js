// Scans QR codes with the camera, and announces each as the event `scanned` of the document.
const box = document.querySelector('[data-scanner]');

const REPEAT_AFTER = 4000;
const INTERVAL = 150;
// Pixels of the longer side of a picture that is searched by a script.
const SEARCHED = 800;

// Returns a function that finds the text of a QR code in the picture of a video.
const nativeReader = async () => {
  const formats = 'BarcodeDetector' in window ? await BarcodeDetector.getSupportedFormats().catch(() => []) : [];
  if (!formats.includes('qr_code')) return undefined;
  const detector = new BarcodeDetector({ formats: ['qr_code'] });
  return async (video) => (await detector.detect(video))[0]?.rawValue;
};

// The same for browsers without a detector. The script is loaded with the first picture.
const scriptReader = async () => {
  await import('./jsqr.js');
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  return async (video) => {
    const scale = Math.min(1, SEARCHED / Math.max(video.videoWidth, video.videoHeight));
    const [width, height] = [video.videoWidth, video.videoHeight].map((side) => Math.floor(side * scale));
    if (!width || !height) return undefined;
    Object.assign(canvas, { width, height });
    context.drawImage(video, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    return self.jsQR(data, width, height, { inversionAttempts: 'dontInvert' })?.data;
  };
};

const start = () => {
  const button = box.querySelector('[data-scan]');
  const video = box.querySelector('video');
  const message = box.querySelector('[data-scanner-message]');
  box.hidden = false;
  if (!navigator.mediaDevices) {
    button.hidden = true;
    message.textContent = box.dataset.unsupported;
    return;
  }
  let reader = null;
  let stream = null;
  let last = { text: '', at: 0 };

  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    video.hidden = true;
    button.textContent = button.dataset.start;
  };

  const look = async (mine) => {
    if (stream !== mine) return;
    const found = await reader(video).catch(() => undefined);
    const text = stream === mine && found;
    // A code that stays before the camera is one scan.
    if (text) {
      if (text !== last.text || Date.now() - last.at > REPEAT_AFTER) {
        document.dispatchEvent(new CustomEvent('scanned', { detail: text }));
      }
      last = { text, at: Date.now() };
    }
    setTimeout(() => look(mine), INTERVAL);
  };

  button.addEventListener('click', async () => {
    if (stream) {
      stop();
      return;
    }
    message.textContent = '';
    button.disabled = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
      reader ??= (await nativeReader()) ?? (await scriptReader());
      video.srcObject = stream;
      video.hidden = false;
      await video.play();
      button.textContent = button.dataset.stop;
      look(stream);
    } catch {
      stop();
      message.textContent = box.dataset.denied;
    } finally {
      button.disabled = false;
    }
  });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden && stream) stop();
  });
};

if (box) start();
