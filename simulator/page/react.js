/* Owns how components become elements, in the shape of the library that the real page uses for it (module `react`): as much
 * of it as the main screen and whoever stands in for that need. A component is a function that gives one element, a text
 * or null. */

const SVG = 'http://www.w3.org/2000/svg';
const SVG_ELEMENTS = new Set(['svg', 'path', 'g']);

/* The component that is being drawn, and which of its hooks comes next. */
let drawn = null;
let hook = 0;

export const createElement = (type, props, ...children) => ({ type, props: { ...props, children: children.flat() } });

/* ---- hooks ---- */

function slot(make) {
  const { hooks } = drawn;
  if (hook === hooks.length) hooks.push(make(drawn));
  return hooks[hook++];
}

export function useState(initial) {
  const state = slot((instance) => {
    const kept = { value: typeof initial === 'function' ? initial() : initial };
    kept.set = (value) => {
      if (Object.is(value, kept.value)) return;
      kept.value = value;
      redraw(instance);
    };
    return kept;
  });
  return [state.value, state.set];
}

/* Once, after the component has been drawn; what it gives back is called when the component goes. */
export function useEffect(effect) {
  slot((instance) => {
    const kept = { end: undefined };
    queueMicrotask(() => {
      if (!instance.gone) kept.end = effect();
    });
    return kept;
  });
}

export function useSyncExternalStore(subscribe, snapshot) {
  const [value, set] = useState(snapshot);
  useEffect(() => {
    const changed = () => set(snapshot());
    changed();
    return subscribe(changed);
  });
  return value;
}

/* ---- drawing ---- */

const isComponent = (part) => typeof part?.type === 'function';
const isElement = (part) => typeof part?.type === 'string';
const sameKind = (left, right) => left?.type === right?.type && (left == null) === (right == null);

function setAttributes(node, props, before = {}) {
  for (const [name, value] of Object.entries(props)) {
    if (name === 'children' || value === before[name]) continue;
    if (name.startsWith('on')) node[name.toLowerCase()] = value;
    else node.setAttribute(name, value);
  }
}

/* What is on the screen for a part of the tree; null has a place of its own, so that something can come there. */
function make(part) {
  if (part === null || part === undefined || part === false) return { part: null, node: document.createComment('') };
  if (isComponent(part)) {
    const instance = { part, hooks: [], gone: false, child: null };
    instance.child = make(run(instance));
    return instance;
  }
  if (!isElement(part)) return { part, node: document.createTextNode(String(part)) };
  const { type, props } = part;
  const node = SVG_ELEMENTS.has(type) ? document.createElementNS(SVG, type) : document.createElement(type);
  setAttributes(node, props);
  const children = props.children.map(make);
  node.append(...children.map(nodeOf));
  return { part, node, children };
}

const nodeOf = (instance) => instance.node ?? nodeOf(instance.child);

function run(instance) {
  [drawn, hook] = [instance, 0];
  try {
    return instance.part.type(instance.part.props);
  } finally {
    drawn = null;
  }
}

/* The instance that shows `part` from now on. */
function update(instance, part) {
  part = part === undefined || part === false ? null : part;
  if (!sameKind(instance.part, part)) {
    const other = make(part);
    nodeOf(instance).replaceWith(nodeOf(other));
    end(instance);
    return other;
  }
  const before = instance.part;
  instance.part = part;
  if (isComponent(part)) instance.child = update(instance.child, run(instance));
  else if (isElement(part)) updateElement(instance, before.props, part.props);
  else if (part !== null && part !== before) instance.node.data = String(part);
  return instance;
}

function updateElement({ node, children }, before, props) {
  setAttributes(node, props, before);
  for (const gone of children.splice(props.children.length)) {
    nodeOf(gone).remove();
    end(gone);
  }
  props.children.forEach((part, index) => {
    if (index < children.length) children[index] = update(children[index], part);
    else {
      children.push(make(part));
      node.append(nodeOf(children[index]));
    }
  });
}

function redraw(instance) {
  if (!instance.gone) instance.child = update(instance.child, run(instance));
}

function end(instance) {
  instance.gone = true;
  for (const { end: over } of instance.hooks ?? []) over?.();
  if (instance.child) end(instance.child);
  instance.children?.forEach(end);
}

/* Draws `part` as all there is in `container`; gives back how to take it away. */
export function mount(container, part) {
  const instance = make(createElement(() => part));
  container.replaceChildren(nodeOf(instance));
  return () => {
    end(instance);
    nodeOf(instance).remove();
  };
}
