import './words';
import '$lib/ui/base.css';
import { mount } from 'svelte';
import { i18n } from '$lib/i18n/i18n.svelte';
import App from './App.svelte';
import { isFirst, read } from './pages';
import { Phone } from './phone.svelte';
import { firstPage } from './record/first-page.svelte';

/** So long the first drawing waits for the store: one that opens late is told of, rather than a white page shown. */
const STORE_MS = 1000;

let draw = () => {};
const drawn = new Promise<void>((resolve) => (draw = resolve));
const phone = new Phone(drawn);
const words = i18n.start('phone');
if (isFirst(read(location.hash)) && firstPage.recall()) {
  // The page stands before the engine is even fetched.
  void drawn.then(() => phone.open());
  await words;
} else {
  const late = new Promise((tell) => setTimeout(tell, STORE_MS));
  await Promise.all([words, Promise.race([phone.open(), late])]);
}
mount(App, { target: document.body, props: { phone } });
// In a tab that nobody looks at there are no frames.
const frame = document.visibilityState === 'visible' ? new Promise(requestAnimationFrame) : Promise.resolve();
void frame.then(() => setTimeout(draw));
