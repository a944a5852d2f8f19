import '$lib/ui/base.css';
import { mount } from 'svelte';
import { i18n } from '$lib/i18n/i18n.svelte';
import App from './App.svelte';
import { Phone } from './phone.svelte';

/** So long the first drawing waits for the store: one that opens late is told of, rather than a white page shown. */
const STORE_MS = 1000;

let draw = () => {};
const phone = new Phone(new Promise((drawn) => (draw = drawn)));
// While the words are fetched the browser opens the store, so that what is drawn first is the page that was wanted.
const opened = phone.open();
const late = new Promise((tell) => setTimeout(tell, STORE_MS));
await Promise.all([i18n.start('phone'), Promise.race([opened, late])]);
mount(App, { target: document.body, props: { phone } });
// In a tab that nobody looks at there are no frames.
const frame = document.visibilityState === 'visible' ? new Promise(requestAnimationFrame) : Promise.resolve();
void frame.then(() => setTimeout(draw));
