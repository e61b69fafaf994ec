/* Owns whether the server can be reached: sends wait until it can. */

let reachable = Promise.resolve();
let comeBack = () => {};

export const untilReachable = () => reachable;

export function beOutOfReach() {
  reachable = new Promise((resolve) => (comeBack = resolve));
}
export const beBackInReach = () => comeBack();
