import '$lib/ui/base.css';
import { mount } from 'svelte';
import { i18n } from '$lib/i18n/i18n.svelte';
import Components from './Components.svelte';

await i18n.start();
await i18n.rooms(Promise.resolve());
mount(Components, { target: document.body });
