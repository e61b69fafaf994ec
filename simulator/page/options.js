/* Owns what the page was started with: the server's settings and the switches of the query.
 * Never changes after loading. */

const settings = JSON.parse(document.getElementById('settings').textContent);
const query = new URLSearchParams(location.search);

/* Only these survive the navigation after a logout. */
const SWITCHES = [
  'key',
  'lid',
  'ui',
  'late',
  'gap',
  'prefetch',
  'bundle_failures',
  'history',
  'missed',
  'memory',
  'earlier',
  'rename',
  'ballast_modules',
  'weight',
  'workers',
  'laid_out',
  'syncms',
  'refttl',
  'testids',
  'deferred',
  'handoff',
  'optionsms',
  'passkeyms',
];

const milliseconds = (name, fallback) => (query.has(name) ? Number(query.get(name)) || 0 : fallback);

export const options = Object.freeze({
  version: '2.3000.1048032155',
  /* July 2026: minified builds renamed the property that holds a message key's text. */
  minifiedKeys: query.get('key') === 'min',
  missedQuietly: query.get('missed') === 'quiet',
  /* How many messages of each chat are in memory after a start, and how its older ones are read: 'fails', or 'late' when the
   * first try finds none although there are some. */
  inMemory: Number(query.get('memory') ?? 20),
  earlier: query.get('earlier'),
  prefetch: query.get('prefetch') !== 'off',
  /* A newly linked page waits for what its phone has to tell. */
  historyComes: query.get('history') === 'coming',
  bundleFailures: milliseconds('bundle_failures', 0),
  gapMs: milliseconds('gap', settings.waveGapMs),
  lineKbit: settings.lineKbit,
  /* Whether this account's chats are with lids. */
  migrated: query.has('lid') ? query.get('lid') === '1' : Boolean(settings.migrated),
  /* Whether the main screen is drawn, which listens to the page's commands. */
  mainUi: query.get('ui') !== '0',
  lateMs: milliseconds('late', 0),
  renamed: new Set((query.get('rename') || '').split(',').filter(Boolean)),
  ballastModules: milliseconds('ballast_modules', 0),
  /* As heavy as the real page. */
  realWeight: query.get('weight') === 'real',
  /* Whether web workers do some of the work, as on the real page. */
  workers: query.get('workers') === '1' || (query.get('weight') === 'real' && query.get('workers') !== '0'),
  /* Whether the app is always laid out. */
  laidOut: query.get('laid_out') === '1',
  syncMs: milliseconds('syncms', settings.syncMs),
  qrTtlMs: milliseconds('refttl', settings.qrTtlMs),
  qrCount: settings.qrCount,
  /* Whether buttons carry their test ids. */
  testIds: query.get('testids') !== 'off',
  /* Until the action of a passkey's prompt has come. */
  deferredMs: milliseconds('deferred', 0),
  /* So long after the notification no code need be compared; so long its options are good; so long the page waits for
   * the server at each step. */
  passkeyHandoffMs: milliseconds('handoff', 300_000),
  passkeyOptionsMs: milliseconds('optionsms', 600_000),
  passkeyWaitMs: milliseconds('passkeyms', 120_000),
});

/* Where the page goes after a logout: the bare address when it went well (with our own switches), else with what went
 * wrong. */
export function afterLogout(trouble = {}) {
  const next = new URLSearchParams(trouble);
  for (const name of SWITCHES) if (query.has(name)) next.set(name, query.get(name));
  return next.size ? `/?${next}` : '/';
}

/* At the next start that is wiped from the address. */
export function tidyAddress() {
  const address = new URL(location.href);
  for (const name of [...address.searchParams.keys()])
    if (/^(post_logout|logout_)/.test(name)) address.searchParams.delete(name);
  if (address.href !== location.href) history.replaceState(null, '', address);
}
