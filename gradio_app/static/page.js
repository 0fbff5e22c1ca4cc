// What Gradio's parts leave out: names of buttons, arrow keys for tabs, photos that are dropped or
// pasted anywhere.
let count = 0;

const nameButton = (button) => {
  const label = button.closest('.block')?.querySelector('[data-testid=block-label]');
  if (label) {
    label.id ||= `picture-label-${++count}`;
    button.setAttribute('aria-labelledby', label.id);
  }
};

const nameSample = (button) => {
  const caption = button.querySelector('.caption-label');
  if (caption) {
    button.setAttribute('aria-label', caption.textContent.trim());
    button.querySelector('img')?.setAttribute('alt', '');
  }
};

// Tabs by arrow keys ---------------------------------------------------------------------------

document.addEventListener('keydown', (event) => {
  const tab = event.target.closest('[role=tab]');
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (tab && step) {
    const tabs = [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]')];
    const next = tabs.at((tabs.indexOf(tab) + step) % tabs.length);
    next.click();
    next.focus();
  }
});

// Photos that are dropped or pasted anywhere ---------------------------------------------------

const visiblePlace = () =>
  [...document.querySelectorAll('.photo')].find((place) => place.checkVisibility());

// Where a photo is already there, it has to go before another one finds a place; the small place to
// add to it goes with it. What takes it away is the last button at its top, whatever its language.
const take = async (files) => {
  const place = visiblePlace();
  if (!place || !files.length) {
    return;
  }
  const clear = place.querySelector('.icon-button-wrapper > button:last-of-type');
  clear?.click();
  for (let tries = 0; tries < 40; tries += 1) {
    const input = place.querySelector('input[type=file]');
    if (input && !clear?.isConnected) {
      const given = new DataTransfer();
      [...files].slice(0, input.multiple ? undefined : 1).forEach((file) => given.items.add(file));
      input.files = given.files;
      input.dispatchEvent(new Event('change', { bubbles: true }));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const bringsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');

document.addEventListener('dragover', (event) => {
  if (bringsFiles(event)) {
    event.preventDefault();
    document.body.classList.add('dropping');
  }
}, true);

document.addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) {
    document.body.classList.remove('dropping');
  }
}, true);

document.addEventListener('drop', (event) => {
  document.body.classList.remove('dropping');
  if (bringsFiles(event)) {
    event.preventDefault();
    event.stopPropagation();
    take(event.dataTransfer.files);
  }
}, true);

document.addEventListener('paste', (event) => {
  if (event.clipboardData?.files.length && !isWriting(event.target)) {
    event.preventDefault();
    take(event.clipboardData.files);
  }
});

// ----------------------------------------------------------------------------------------------

const each = (selector, change) => document.querySelectorAll(selector).forEach(change);
const complete = () => {
  each('.image-container > button:not([aria-labelledby])', nameButton);
  each('.samples button:has(img:not([alt=""]))', nameSample);
  each('.viewer:not([data-begun])', begin);
  each('[data-full]:not([data-seen])', fullSize);
};
new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });
complete();
