/* Begins. Owns the order: the inlet first, so that the worker can look at a page that is stuck; then the
 * screen, so that a code is told as soon as it shows; then the modules. */

Object.defineProperty(window, settings.inlet, { value: Object.freeze(inlet) });
emit('hello', {});
watchScreen(true);
tell();

(async () => {
  const canTell = await settle();
  if (canTell) {
    subscribe();
    if (!(await found.me()) && new URLSearchParams(location.search).has('post_logout')) emit('logout', {});
  }
  await tell();
})();
