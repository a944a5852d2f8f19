import '$lib/ui/base.css';
import { mount } from 'svelte';
import { i18n } from '$lib/i18n/i18n.svelte';
import Join from './Join.svelte';

await i18n.start();
mount(Join, { target: document.body });
