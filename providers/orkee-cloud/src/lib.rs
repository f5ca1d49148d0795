//! The provider for Orkee Cloud and for a self-hosted `orkee-server`: a face of `providers/orkee-api`, which does the work.

use orkee_provider_api::Api;

orkee_provider_api::face!(OrkeeCloud, "orkee-cloud", "Orkee Cloud", Api::default);
