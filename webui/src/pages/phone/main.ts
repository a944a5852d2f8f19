import '$lib/ui/base.css';
import { mount } from 'svelte';
import { i18n } from '$lib/i18n/i18n.svelte';
import App from './App.svelte';

await i18n.start('phone');
mount(App, { target: document.body });
