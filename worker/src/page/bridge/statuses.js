/* Taking an own status back. How the page refuses it is not certain, so what it shows afterwards counts. */

const STATUS = 'status@broadcast';

async function deleteStatus(call, { message: id }) {
  const message = await theMessage(id);
  if (idOf(message.id.remote) !== STATUS || !message.id.fromMe) {
    throw new Failure('invalid_argument', 'this message is no status of this account');
  }
  const own = found.statuses.getMyStatus?.() ?? found.statuses.get(await use('me')());
  call.hand();
  accepted(await found.revokeStatus(own, message));
  const isGone = () => message.type === 'revoked' || !use('messages').get(message.id);
  if (!(await isShown(isGone))) throw new Failure('outcome_unknown', 'the page goes on showing the status');
}
