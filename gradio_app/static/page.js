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

  const makeOperable = (handle) => {
    const frame = handle.parentElement;
    const place = () => new DOMMatrix(getComputedStyle(handle).transform).m41;
    // The pictures fill the frame in one direction and stand in its middle in the other.
    const picture = () => {
      const { clientWidth, clientHeight, naturalWidth, naturalHeight } = frame.querySelector('img');
      const width = Math.min(clientWidth, clientHeight * naturalWidth / naturalHeight) || 1;
      return { left: (clientWidth - width) / 2, width };
    };
    const tell = () => {
      const { left, width } = picture();
      const share = Math.round(100 * (place() - left) / width);
      handle.setAttribute('aria-valuenow', Math.min(100, Math.max(0, share)));
    };
    const move = (x) => {
      const box = frame.getBoundingClientRect();
      const clientX = Math.round(box.left + x);
      const event = { view: window, bubbles: true, cancelable: true, clientX, clientY: box.top };
      handle.dispatchEvent(new MouseEvent('mousedown', event));
      window.dispatchEvent(new MouseEvent('mouseup', event));
    };
    const step = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02,
      PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };
    handle.addEventListener('keydown', (event) => {
      if (event.key in step) {
        event.preventDefault();
        const { left, width } = picture();
        const x = place() + step[event.key] * width;
        move(Math.min(left + width, Math.max(left, x)));
      }
    });
    new MutationObserver(tell).observe(handle, { attributeFilter: ['style'] });
    handle.setAttribute('role', 'slider');
    handle.setAttribute('tabindex', '0');
    handle.setAttribute('aria-label', 'Border between the sRGB photo and the restored one, in %');
    handle.setAttribute('aria-valuemin', '0');
    handle.setAttribute('aria-valuemax', '100');
    tell();
    ['The sRGB photo', 'The restored photo'].forEach((text, number) =>
      frame.querySelectorAll('img')[number]?.setAttribute('alt', text));
  };

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

  const each = (selector, change) => document.querySelectorAll(selector).forEach(change);
  const complete = () => {
    each('.image-container > button:not([aria-labelledby])', nameButton);
    each('.samples button:has(img:not([alt=""]))', nameSample);
    each('#before-after [data-testid=slider]:not([role=slider])', makeOperable);
  };
  new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });
  complete();
}
