/* The measures that are tried one by one. `taken: true`: Colmeia does it, and the variant is Colmeia without it;
 * otherwise the variant is Colmeia with it. `drop` are patterns of the shell, `add` are flags. */

const SHELL = '/usr/lib/chromium/chromium-headless-shell';
const FULL = '/usr/lib/chromium/chromium';
const js = (flags) => ({ program: SHELL, add: [`--js-flags=${flags}`] });
const without = (...drop) => ({ program: SHELL, drop, add: [], taken: true });
const withFlag = (...add) => ({ program: SHELL, add });
/* As in worker/src/browser/flags.rs. */
const FEATURES_OFF = [
  'site-per-process', 'IsolateOrigins', 'AudioServiceOutOfProcess', 'Translate', 'BackForwardCache',
  'OptimizationHints', 'MediaRouter', 'DialMediaRouteProvider', 'AutofillServerCommunication',
  'CertificateTransparencyComponentUpdater', 'InterestFeedContentSuggestions', 'LessAggressiveParkableString',
  'PartitionAllocMemoryReclaimer', 'PartitionAllocLargeThreadCacheSize',
];
const leaving = (...on) => ({
  program: SHELL,
  drop: ['--disable-features=*'],
  add: [`--disable-features=${FEATURES_OFF.filter((feature) => !on.includes(feature))}`],
  taken: true,
});
const oneRenderer = leaving('site-per-process', 'IsolateOrigins');
oneRenderer.drop.push('--renderer-process-limit=1');

export const VARIANTS = [
  { name: 'headless shell instead of the full Chromium', program: FULL, add: [], taken: true },
  { name: 'GPU inside the browser process', ...without('--in-process-gpu') },
  { name: 'network service inside the browser process', ...without('--enable-features=NetworkServiceInProcess2') },
  { name: 'no GL (--use-gl=disabled)', ...without('--use-gl=disabled') },
  { name: 'a window of 320 × 240 instead of 1366 × 768', program: SHELL, drop: ['--window-size=*'], add: ['--window-size=1366,768'], taken: true },
  { name: 'sources are compressed while the page is in front', ...leaving('LessAggressiveParkableString') },
  { name: 'nobody looks for free memory each 4 s', ...leaving('PartitionAllocMemoryReclaimer') },
  { name: 'small caches of threads', ...leaving('PartitionAllocLargeThreadCacheSize') },
  { name: 'no second zygote', ...without('--no-unsandboxed-zygote') },
  { name: 'one renderer (no site isolation)', ...oneRenderer },
  { name: 'memory given back once ready', settings: '[deadlines]\nsettle_ms = 0\n', taken: true },
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
