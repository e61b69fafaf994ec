/* The measures that are tried one by one. `taken: true`: Colmeia does it, and the variant is Colmeia without it;
 * otherwise the variant is Colmeia with it. `drop` are patterns of the shell, `add` are flags, `leave` are features
 * that are no longer switched off, and `query` is more of the page's address. */

import { CHROMIUM, HEADLESS_SHELL } from './sides.mjs';

const js = (flags) => ({ program: HEADLESS_SHELL, add: [`--js-flags=${flags}`] });
const without = (...drop) => ({ program: HEADLESS_SHELL, drop, taken: true });
const leaving = (...leave) => ({ program: HEADLESS_SHELL, leave, taken: true });
const withFlag = (...add) => ({ program: HEADLESS_SHELL, add });

export const VARIANTS = [
  { name: 'headless shell instead of the full Chromium', program: CHROMIUM, taken: true },
  { name: 'GPU inside the browser process', ...without('--in-process-gpu') },
  { name: 'network service inside the browser process', ...without('--enable-features=NetworkServiceInProcess2') },
  { name: 'no GL (--use-gl=disabled)', ...without('--use-gl=disabled') },
  { name: 'a window of 320 × 240 instead of 1366 × 768', program: HEADLESS_SHELL, drop: ['--window-size=*'], add: ['--window-size=1366,768'], taken: true },
  { name: 'sources are compressed while the page is in front', ...leaving('LessAggressiveParkableString') },
  { name: 'nobody looks for free memory each 4 s', ...leaving('PartitionAllocMemoryReclaimer') },
  { name: 'small caches of threads', ...leaving('PartitionAllocLargeThreadCacheSize') },
  { name: 'code cache from the first start on', ...without('--blink-settings=v8CacheOptions=3') },
  { name: 'no second zygote', ...without('--no-unsandboxed-zygote') },
  { name: 'one renderer (no site isolation)', ...without('--renderer-process-limit=1'), leave: ['site-per-process', 'IsolateOrigins'] },
  { name: 'memory given back once ready', settings: '[deadlines]\nsettle_ms = 0\n', taken: true },
  { name: 'the app is not laid out', query: '&laid_out=1', taken: true },
  { name: 'no main screen', settings: '[page]\nui = "none"\n' },
  { name: 'web workers on demand', settings: '[page]\nworkers = "page"\n', taken: true },
  { name: 'V8: --optimize-for-size and --lite-mode', ...js('--optimize-for-size --lite-mode') },
  { name: 'V8: --lite-mode', ...js('--lite-mode') },
  { name: 'V8: --optimize-for-size', ...js('--optimize-for-size') },
  { name: 'V8: semi-space of 1 MiB', ...js('--max-semi-space-size=1 --min-semi-space-size=1') },
  { name: 'V8: --max-old-space-size=512', ...js('--max-old-space-size=512') },
  { name: 'memory merging (KSM)', settings: 'memory_merge = true\n', ksm: true, note: 'after twice as long' },
  { name: 'no sandbox, no zygote', ...withFlag('--no-sandbox', '--no-zygote'), note: 'reported, never taken' },
  { name: '--enable-low-end-device-mode', ...withFlag('--enable-low-end-device-mode') },
  { name: 'no images (imagesEnabled=false)', ...withFlag('--blink-settings=imagesEnabled=false') },
  { name: 'no HTTP cache to speak of', ...withFlag('--disk-cache-size=1048576') },
];
