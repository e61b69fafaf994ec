/* Finds the members of the second table when an operation first needs them. Owns asking for what comes only on request,
 * and the list of what a page lacks. */

/* What comes on request: the page asks up to ten times, over a minute. */
const BUNDLE_MS = 60_000;

/* Of the members that are looked for when they are first needed, those whose module is not there at all: known without
 * running any. What comes on request may be absent, and of some is not certain whether it does. */
function absentRare() {
  const map = registered();
  if (!map) return [];
  const isAbsent = ({ at, bundle, optional, late }) => !bundle && !optional && !late && !at.some(([module]) => map[module]);
  return Object.keys(RARE).filter((name) => isAbsent(RARE[name]));
}

/* Asks for what comes only on request, as the page's own screens do: by the ready-made request, else by component. */
async function fetchBundle({ request, component }) {
  const map = registered();
  const ask = async () => {
    if (!map || isClosed(map, request)) {
      try {
        return await window.require(request).requireBundle();
      } catch {
        /* The request was renamed, or gave up. */
      }
    }
    const { loadModules } = window.require('Bootloader');
    return new Promise((there) => loadModules([component], there));
  };
  await Promise.race([ask().catch(() => {}), pause(BUNDLE_MS)]);
}

/* Bundles that were asked for in this document: who asks again is answered at once. */
const askedFor = new Set();

/* Members that only some operations need: looked for when one does, so that a session which never uses them pays
 * nothing for them. Absent is not changed: what comes on request is asked for first. */
async function need(...names) {
  for (const name of names) {
    const row = RARE[name];
    found[name] ??= lookUp(row);
    if (found[name] === undefined && row.bundle && !askedFor.has(row.bundle)) {
      await fetchBundle(row.bundle);
      if (complete) askedFor.add(row.bundle);
      found[name] = lookUp(row);
    }
    if (found[name] === undefined && !complete) {
      await untilComplete();
      found[name] = lookUp(row);
    }
    if (found[name] !== undefined) continue;
    const member = nameOf(row.at[0]);
    if (!missing.includes(name)) missing.push(name);
    tell();
    const there = row.stand_in && (await standIn({ members: [member] }));
    if (there) found[name] = lookUpInStandIn(row);
    tell();
    if (found[name] === undefined) {
      const why = there || !row.stand_in ? '' : ', and wa-js (key wa_js) could not be put in its place';
      throw new Failure('unsupported', `this version of the page lacks ${member}${why}`);
    }
  }
  return found;
}
