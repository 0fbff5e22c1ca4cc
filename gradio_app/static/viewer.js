// Two photos on top of each other: a border between them, flicker, zoom, a strength to try out.

const wideScreen = matchMedia('(color-gamut: p3)');
const FLICKER = 700; // milliseconds: well below three changes a second
const SETTLED = 400; // milliseconds until the page is laid out anew
const CALM = 120; // milliseconds without a movement until tiles are fetched
const NEAR = 26; // pixels from the border at which it is taken hold of
const LARGEST = 8; // times a pixel of the photo
const TILE = 512;
let muted = null; // as long as nobody has chosen, the screen decides
let flickering = null;
const views = new Map(); // by the mark of a photo: what is seen of it, for its next result
const full = new Set(); // results that are there in full size
const asked = new Set();

const isMuted = () => muted ?? !wideScreen.matches;
const stageOf = (viewer) => viewer.querySelector('.stage');
const rangeOf = (viewer) => viewer.querySelector('input[type=range]');
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const paint = (viewer) => {
  const kind = isMuted() ? 'muted' : 'wide';
  viewer.classList.toggle('is-muted', isMuted());
  viewer.querySelector('[data-do=mute]').checked = isMuted();
  viewer.querySelectorAll('.stage img[data-wide]').forEach((picture) => {
    if (picture.getAttribute('src') !== picture.dataset[kind]) {
      picture.src = picture.dataset[kind];
    }
  });
  endTrial(viewer);
  fetchTiles(viewer);
};

const moveBorder = (viewer) => {
  const view = viewer.view;
  view.at = rangeOf(viewer).value / 100;
  stageOf(viewer).style.setProperty('--at', view.at);
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
  const picture = viewer.querySelector(`.stage .${menu.dataset.place} img[data-wide]`);
  Object.assign(picture.dataset, { wide: option.dataset.wide, muted: option.dataset.muted });
  picture.alt = option.textContent;
  viewer.querySelector(`.stage .name.${menu.dataset.place}`).textContent = option.textContent;
  paint(viewer);
};

const showOverlay = (viewer, shown) => {
  const layer = viewer.querySelector('.overlay');
  const picture = layer.querySelector('img');
  viewer.view.overlay = shown;
  layer.hidden = !shown;
  // Most people never ask for it: a slow line need not carry it.
  picture.src = picture.dataset.src;
};

// Zoom ------------------------------------------------------------------------------------------

// What is seen: `zoom` 1 is the whole photo, (x, y) the place in it that is in the middle.
const geometry = (viewer) => {
  const stage = stageOf(viewer);
  const { clientWidth: width, clientHeight: height } = stage;
  const photo = { width: Number(viewer.dataset.width), height: Number(viewer.dataset.height) };
  const fit = Math.min(width / photo.width, height / photo.height);
  const real = 1 / (fit * devicePixelRatio);
  return { width, height, photo, fit, real, fill: Math.max(width / photo.width, height / photo.height) / fit };
};

const lay = (viewer) => {
  const { view } = viewer;
  const { width, height, photo, fit, real } = geometry(viewer);
  if (!width) {
    return;
  }
  if (view.fit && view.zoom !== 1) {
    // Another window shows more or less of it, as large as before.
    view.zoom *= view.fit / fit;
  }
  view.fit = fit;
  view.zoom = clamp(view.zoom, Math.min(1, real), Math.max(1, LARGEST * real));
  const size = { width: photo.width * fit * view.zoom, height: photo.height * fit * view.zoom };
  const along = (whole, seen, middle) => (whole <= seen
    ? (seen - whole) / 2
    : clamp(seen / 2 - middle * whole, seen - whole, 0));
  const left = along(size.width, width, view.x);
  const top = along(size.height, height, view.y);
  view.x = (width / 2 - left) / size.width;
  view.y = (height / 2 - top) / size.height;
  Object.assign(view, { left, top, ...size, scale: size.width / photo.width });
  const stage = stageOf(viewer);
  for (const [name, value] of Object.entries({ left, top, ...size })) {
    stage.style.setProperty(`--${name}`, `${value}px`);
  }
  const percent = Math.round(100 * view.scale * devicePixelRatio);
  viewer.classList.toggle('is-zoomed', size.width > width + 1 || size.height > height + 1);
  viewer.classList.toggle('is-large', percent >= 300);
  viewer.querySelector('output').textContent = `${percent} %`;
  viewer.querySelector('[data-do=fit]').setAttribute('aria-pressed', String(view.zoom === 1));
  viewer.querySelector('[data-do=real]').setAttribute('aria-pressed', String(percent === 100));
  clearTimeout(viewer.calm);
  viewer.calm = setTimeout(() => fetchTiles(viewer), CALM);
};

const zoomTo = (viewer, zoom, at = null) => {
  const { view } = viewer;
  const { width, height, real } = geometry(viewer);
  const [x, y] = at ?? [width / 2, height / 2];
  const place = [(x - view.left) / view.width, (y - view.top) / view.height];
  const wanted = clamp(zoom, Math.min(1, real), Math.max(1, LARGEST * real));
  const grown = wanted / view.zoom;
  view.zoom = wanted;
  view.x = place[0] + (width / 2 - x) / (view.width * grown);
  view.y = place[1] + (height / 2 - y) / (view.height * grown);
  lay(viewer);
};

const pan = (viewer, right, down) => {
  viewer.view.x -= right / viewer.view.width;
  viewer.view.y -= down / viewer.view.height;
  lay(viewer);
};

const placeIn = (stage, { clientX, clientY }) => {
  const box = stage.getBoundingClientRect();
  return [clientX - box.left, clientY - box.top];
};

const zoomings = {
  fit: (viewer) => zoomTo(viewer, 1),
  real: (viewer, at) => zoomTo(viewer, geometry(viewer).real, at),
  in: (viewer) => zoomTo(viewer, viewer.view.zoom * 1.5),
  out: (viewer) => zoomTo(viewer, viewer.view.zoom / 1.5),
};

// One finger or the mouse moves the border, or the photo where there is more of it than is seen;
// two fingers zoom. The wheel alone is the page's.
const handle = (viewer) => {
  const stage = stageOf(viewer);
  const range = rangeOf(viewer);
  const fingers = new Map();
  let moving = null;

  const distance = () => {
    const [[a, b], [c, d]] = [...fingers.values()];
    return { apart: Math.hypot(a - c, b - d), middle: [(a + c) / 2, (b + d) / 2] };
  };

  const border = (x) => {
    stopFlicker();
    range.value = (100 * x) / stage.clientWidth;
    moveBorder(viewer);
  };

  stage.addEventListener('pointerdown', (event) => {
    if (event.button || event.target.closest('button')) {
      return;
    }
    const [x, y] = placeIn(stage, event);
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [x, y]);
    event.preventDefault();
    range.focus({ preventScroll: true });
    if (fingers.size === 2) {
      moving = { ...distance(), zoom: viewer.view.zoom };
    } else if (viewer.classList.contains('is-zoomed')
      && Math.abs(x - viewer.view.at * stage.clientWidth) > NEAR) {
      moving = 'photo';
    } else if (event.pointerType === 'touch') {
      // It may become the page's: whoever scrolls past moves no border.
      moving = 'tap';
    } else {
      moving = 'border';
      border(x);
    }
  });

  stage.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) {
      return;
    }
    const [x, y] = placeIn(stage, event);
    fingers.set(event.pointerId, [x, y]);
    if (fingers.size === 2 && moving?.apart) {
      const { apart, middle } = distance();
      zoomTo(viewer, (moving.zoom * apart) / moving.apart, middle);
      pan(viewer, (x - before[0]) / 2, (y - before[1]) / 2);
    } else if (moving === 'photo') {
      pan(viewer, x - before[0], y - before[1]);
    } else if (moving === 'border' || moving === 'tap') {
      moving = 'border';
      border(x);
    }
  });

  for (const kind of ['pointerup', 'pointercancel']) {
    stage.addEventListener(kind, (event) => {
      if (kind === 'pointerup' && moving === 'tap') {
        border(placeIn(stage, event)[0]);
      }
      fingers.delete(event.pointerId);
      moving = null;
    });
  }

  stage.addEventListener('dblclick', (event) => {
    const isReal = Math.abs(viewer.view.scale * devicePixelRatio - 1) < 0.01;
    zoomings[isReal ? 'fit' : 'real'](viewer, placeIn(stage, event));
  });

  stage.addEventListener('wheel', (event) => {
    if (event.ctrlKey) {
      event.preventDefault();
      zoomTo(viewer, viewer.view.zoom * 1.0025 ** -event.deltaY, placeIn(stage, event));
    }
  }, { passive: false });

  range.addEventListener('keydown', (event) => {
    const key = { '+': 'in', '=': 'in', '-': 'out', 0: 'fit', 1: 'real' }[event.key];
    const arrow = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (key) {
      event.preventDefault();
      zoomings[key](viewer);
    } else if (arrow && event.shiftKey) {
      event.preventDefault();
      pan(viewer, arrow[0] * stage.clientWidth * 0.1, arrow[1] * stage.clientHeight * 0.1);
    }
  });

  new ResizeObserver(() => lay(viewer)).observe(stage);
};

// The photo's own pixels ---------------------------------------------------------------------------

const fetchTiles = (viewer) => {
  const { view } = viewer;
  const { token } = viewer.dataset;
  // Below half of its size the small picture is as sharp as the screen.
  const wanted = token && view.scale * devicePixelRatio >= 0.5;
  if (wanted && !full.has(token)) {
    if (!asked.has(token) && viewer.checkVisibility()) {
      asked.add(token);
      document.querySelector('#full-size')?.click();
    }
    viewer.classList.add('is-waiting');
    return;
  }
  viewer.classList.remove('is-waiting');
  const { photo, width, height } = geometry(viewer);
  const span = (start, seen, most) => [
    Math.max(0, Math.floor(-start / view.scale / TILE)),
    Math.min(Math.ceil(most / TILE), Math.ceil((seen - start) / view.scale / TILE)),
  ];
  const [columns, rows] = [span(view.left, width, photo.width), span(view.top, height, photo.height)];
  const kind = isMuted() ? 'muted' : 'wide';
  for (const [place, side] of [['one', 'before'], ['two', 'after']]) {
    const sheet = viewer.querySelector(`.${place} .sheet`);
    const there = new Map([...sheet.querySelectorAll('.tile')].map((tile) => [tile.dataset.key, tile]));
    for (let row = rows[0]; wanted && row < rows[1]; row += 1) {
      for (let column = columns[0]; column < columns[1]; column += 1) {
        const key = `${side}/${kind}/${column}/${row}`;
        if (!there.delete(key)) {
          const tile = new Image();
          const size = [Math.min(TILE, photo.width - column * TILE), Math.min(TILE, photo.height - row * TILE)];
          tile.className = 'tile';
          tile.alt = '';
          tile.draggable = false;
          tile.dataset.key = key;
          tile.style.left = `${(100 * column * TILE) / photo.width}%`;
          tile.style.top = `${(100 * row * TILE) / photo.height}%`;
          tile.style.width = `${(100 * size[0]) / photo.width}%`;
          tile.style.height = `${(100 * size[1]) / photo.height}%`;
          tile.src = `tiles/${token}/${key}.jpg`;
          sheet.append(tile);
        }
      }
    }
    there.forEach((tile) => tile.remove());
  }
};

const fullSize = (told) => {
  told.dataset.seen = 'yes';
  if (told.dataset.full) {
    full.add(told.dataset.full);
  } else {
    // The small picture has to do; with the next result it may go better.
    document.querySelectorAll('.viewer.is-waiting').forEach((viewer) => { viewer.dataset.token = ''; });
  }
  document.querySelectorAll('.viewer').forEach((viewer) => viewer.view && fetchTiles(viewer));
};

// A strength to try out -------------------------------------------------------------------------

// The step from the photo before to the photo after grows with the strength, in linear light. The
// server works the result out as soon as the slider is let go.
const toLinear = Float32Array.from({ length: 256 }, (_, code) => {
  const value = code / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});
const FINE = 4095;
const toCode = Uint8ClampedArray.from({ length: FINE + 1 }, (_, light) => {
  const value = light / FINE;
  return 255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);
});

const endTrial = (viewer) => {
  viewer.trial = null;
  viewer.querySelector('canvas')?.remove();
};

const codesOf = (picture, colorSpace) => {
  const canvas = new OffscreenCanvas(picture.naturalWidth, picture.naturalHeight);
  const pen = canvas.getContext('2d', { colorSpace, willReadFrequently: true });
  pen.drawImage(picture, 0, 0);
  return pen.getImageData(0, 0, canvas.width, canvas.height, { colorSpace });
};

const beginTrial = (viewer) => {
  const [before, after] = viewer.querySelectorAll('.stage img[data-wide]');
  if (!before.naturalWidth || !after.naturalWidth) {
    return null;
  }
  const colorSpace = isMuted() ? 'srgb' : 'display-p3';
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [after.naturalWidth, after.naturalHeight];
  after.parentNode.append(canvas);
  const made = codesOf(after, colorSpace);
  const changed = [];
  const from = codesOf(before, colorSpace).data;
  for (let place = 0; place < from.length; place += 1) {
    if (from[place] !== made.data[place]) {
      changed.push(place);
    }
  }
  const places = Uint32Array.from(changed);
  const start = Float32Array.from(places, (place) => toLinear[from[place]]);
  const step = Float32Array.from(places, (place, number) => toLinear[made.data[place]] - start[number]);
  return { pen: canvas.getContext('2d', { colorSpace }), made, places, start, step };
};

const tryStrength = (value) => {
  const viewer = [...document.querySelectorAll('.viewer')].find((one) => one.checkVisibility());
  const strength = Number(viewer?.dataset.strength);
  // Of a faint step too little is left to be multiplied.
  if (!viewer?.view || !(strength >= 0.25)) {
    return;
  }
  if (value === strength) {
    endTrial(viewer);
    return;
  }
  viewer.trial ??= beginTrial(viewer);
  if (viewer.trial) {
    const { pen, made, places, start, step } = viewer.trial;
    const share = value / strength;
    for (let number = 0; number < places.length; number += 1) {
      made.data[places[number]] = toCode[clamp(Math.round(FINE * (start[number] + share * step[number])), 0, FINE)];
    }
    pen.putImageData(made, 0, 0);
  }
};

// Links -------------------------------------------------------------------------------------------

const copyLink = async (button) => {
  const link = new URL(button.closest('.viewer').dataset.link, location.href).href;
  const told = (text) => {
    button.textContent = text;
    setTimeout(() => { button.textContent = 'Copy link'; }, 2000);
  };
  try {
    await navigator.clipboard.writeText(link);
    told('Copied');
  } catch {
    prompt('The link to this result', link);
  }
};

// -------------------------------------------------------------------------------------------------

const begin = (viewer) => {
  viewer.dataset.begun = 'yes';
  if (flickering && !flickering.viewer.isConnected) {
    stopFlicker();
  }
  const known = views.get(viewer.dataset.photo);
  const { fill } = geometry(viewer);
  // Of a long panorama the whole would be a line.
  viewer.view = known ?? { zoom: fill > 1.05 ? fill : 1, x: 0.5, y: 0.5, at: 0.5, overlay: false };
  if (viewer.dataset.photo) {
    views.set(viewer.dataset.photo, viewer.view);
  }
  rangeOf(viewer).value = 100 * viewer.view.at;
  lay(viewer);
  paint(viewer);
  moveBorder(viewer);
  handle(viewer);
  if (viewer.view.overlay && viewer.querySelector('.overlay')) {
    viewer.querySelector('[data-do=overlay]').checked = true;
    showOverlay(viewer, true);
  }
  if (viewer.dataset.link) {
    const address = new URL(viewer.dataset.link, location.href);
    const theme = new URLSearchParams(location.search).get('__theme');
    if (theme) {
      address.searchParams.set('__theme', theme);
    }
    history.replaceState(history.state, '', address);
  }
  if (viewer.dataset.fresh === 'yes' && innerWidth < 900 && !known) {
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const column = viewer.closest('.column') ?? viewer;
    // What is above changes its height meanwhile.
    setTimeout(() => column.scrollIntoView(
      { block: 'start', behavior: calm ? 'auto' : 'smooth' }), SETTLED);
  }
};

document.addEventListener('input', ({ target }) => {
  if (target.closest?.('#strength') && target.value !== '') {
    cancelAnimationFrame(tryStrength.next);
    tryStrength.next = requestAnimationFrame(() => tryStrength(Number(target.value)));
  }
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
    showOverlay(viewer, target.checked);
  } else if (target.dataset.place) {
    choosePicture(target);
  }
});

document.addEventListener('click', ({ target }) => {
  const button = target.closest?.('.viewer button[data-do]');
  const viewer = button?.closest('.viewer');
  if (button?.dataset.do === 'flicker') {
    flicker(viewer);
  } else if (button?.dataset.do === 'link') {
    copyLink(button);
  } else if (button) {
    zoomings[button.dataset.do](viewer);
  }
});

// Gradio hears of a slider that is let go by the pointer only.
document.addEventListener('change', ({ target }) => {
  if (target.matches?.('#strength input[type=range]')) {
    target.dispatchEvent(new Event('pointerup', { bubbles: true }));
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
