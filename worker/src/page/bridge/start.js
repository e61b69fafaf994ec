/* Begins. Owns the order: the inlet first, so that the worker can look at a page that is stuck; before it what has to be there before the page; then what the address
 * and the storage tell of the document before; then the screen, so that a code is told as soon as it shows; then the
 * modules. */

if (settings.ui === 'none') leaveMainOut();
if (settings.workers === 'on_demand') holdWorkersBack();
if (Object.keys(amendments).length) watchLoader();
layOut();
Object.defineProperty(window, settings.inlet, { value: Object.freeze(inlet) });
emit('hello', { document: DOCUMENT });
{
  /* The page wipes it from its address when it starts. */
  const told = new URLSearchParams(location.search);
  const reason = told.get('logout_reason');
  if (told.has('post_logout') || reason !== null || isClearing()) emit('logout', {});
  /* The account is locked. */
  locked = reason === '3';
}
/* The last look: a document that is left may have ended its link in its last moments. */
addEventListener('pagehide', () => settled && checkLink());
watchScreen(true);
tell();

(async () => {
  await settle();
  movedAt = Date.now();
  subscribe();
  tell();
  await settleRest();
})();
