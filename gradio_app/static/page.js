// What Gradio's parts leave out: names of buttons, arrow keys for tabs, photos that are dropped or
// pasted anywhere; and the comparison of two photos.
() => {
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

  // Two photos on top of each other -------------------------------------------------------------

  const wideScreen = matchMedia('(color-gamut: p3)');
  const FLICKER = 700; // milliseconds: well below three changes a second
  const SETTLED = 400; // milliseconds until the page is laid out anew
  let muted = null; // as long as nobody has chosen, the screen decides
  let flickering = null;

  const isMuted = () => muted ?? !wideScreen.matches;

  const paint = (viewer) => {
    const kind = isMuted() ? 'muted' : 'wide';
    viewer.classList.toggle('is-muted', isMuted());
    viewer.querySelector('[data-do=mute]').checked = isMuted();
    viewer.querySelectorAll('.stage img[data-wide]').forEach((picture) => {
      if (picture.getAttribute('src') !== picture.dataset[kind]) {
        picture.src = picture.dataset[kind];
      }
    });
  };

  const moveBorder = (viewer) => {
    const border = viewer.querySelector('input[type=range]');
    viewer.querySelector('.stage').style.setProperty('--at', border.value / 100);
  };

  const stopFlicker = () => {
    clearInterval(flickering?.timer);
    flickering?.viewer.removeAttribute('data-side');
    flickering?.button.setAttribute('aria-pressed', 'false');
    flickering = null;
  };

  const flicker = (viewer) => {
    const running = flickering?.viewer === viewer;
    stopFlicker();
    if (!running) {
      const button = viewer.querySelector('[data-do=flicker]');
      const turn = () => {
        viewer.dataset.side = viewer.dataset.side === 'one' ? 'two' : 'one';
      };
      button.setAttribute('aria-pressed', 'true');
      flickering = { viewer, button, timer: setInterval(turn, FLICKER) };
      turn();
    }
  };

  const choosePicture = (menu) => {
    const viewer = menu.closest('.viewer');
    const option = menu.selectedOptions[0];
    const picture = viewer.querySelector(`.stage img.${menu.dataset.place}`);
    Object.assign(picture.dataset, { wide: option.dataset.wide, muted: option.dataset.muted });
    picture.alt = option.textContent;
    viewer.querySelector(`.stage .name.${menu.dataset.place}`).textContent = option.textContent;
    paint(viewer);
  };

  const begin = (viewer) => {
    viewer.dataset.begun = 'yes';
    if (flickering && !flickering.viewer.isConnected) {
      stopFlicker();
    }
    paint(viewer);
    moveBorder(viewer);
    if (viewer.dataset.fresh === 'yes' && innerWidth < 900) {
      const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
      const column = viewer.closest('.column') ?? viewer;
      // What is above changes its height meanwhile.
      setTimeout(() => column.scrollIntoView(
        { block: 'start', behavior: calm ? 'auto' : 'smooth' }), SETTLED);
    }
  };

  document.addEventListener('input', ({ target }) => {
    const viewer = target.closest?.('.viewer');
    if (!viewer) {
      return;
    }
    if (target.type === 'range') {
      stopFlicker();
      moveBorder(viewer);
    } else if (target.dataset.do === 'mute') {
      muted = target.checked;
      document.querySelectorAll('.viewer').forEach(paint);
    } else if (target.dataset.do === 'overlay') {
      viewer.querySelector('.stage .overlay').hidden = !target.checked;
    } else if (target.dataset.place) {
      choosePicture(target);
    }
  });

  document.addEventListener('click', ({ target }) => {
    const button = target.closest?.('.viewer [data-do=flicker]');
    if (button) {
      flicker(button.closest('.viewer'));
    }
  });

  wideScreen.addEventListener('change', () =>
    document.querySelectorAll('.viewer').forEach(paint));

  const isWriting = (part) =>
    part.isContentEditable || part.matches('textarea, select, input:not([type=range], [type=checkbox], [type=radio])');

  document.addEventListener('keydown', (event) => {
    const plain = !(event.ctrlKey || event.metaKey || event.altKey);
    if (plain && event.key.toLowerCase() === 'f' && !isWriting(event.target)) {
      const viewer = [...document.querySelectorAll('.viewer')].find((one) => one.checkVisibility());
      if (viewer) {
        event.preventDefault();
        flicker(viewer);
      }
    }
  });

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

  // Where a photo is already there, it has to go before another one finds a place.
  const take = async (files) => {
    const place = visiblePlace();
    if (!place || !files.length) {
      return;
    }
    place.querySelector('button[aria-label="Clear"], button[aria-label="Remove"]')?.click();
    for (let tries = 0; tries < 40; tries += 1) {
      const input = place.querySelector('input[type=file]');
      if (input) {
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
  };
  new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });
  complete();
}
