//! vise's names are fields, so a hundred families are a struct of a hundred fields.
//!
//! Only the standard library and vise, so that its server can include this file.

use vise::{Buckets, EncodeLabelSet, Family, Gauge, Histogram, Metrics};

use super::workload::BOUNDS;

/// The labels of every exposed series.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Series {
    method: String,
    status: String,
    instance: String,
}

impl From<[String; 3]> for Series {
    fn from([method, status, instance]: [String; 3]) -> Self {
        Self {
            method,
            status,
            instance,
        }
    }
}

/// The exercise's metric.
#[derive(Clone, Debug, Metrics)]
#[metrics(prefix = "app")]
pub(super) struct Exercise {
    /// Number of active user sessions
    pub(super) active_sessions: Gauge<f64>,
}

macro_rules! gauge_families {
    ($($name:ident)*) => {
        /// The families of gauges.
        #[derive(Clone, Debug, Metrics)]
        #[metrics(prefix = "bench")]
        pub(super) struct GaugeFamilies {
            $(
                /// How much there is of what is measured here
                $name: Family<Series, Gauge<f64>>,
            )*
        }

        impl GaugeFamilies {
            /// In the order of their numbers.
            pub(super) fn all(&self) -> Vec<&Family<Series, Gauge<f64>>> {
                vec![$(&self.$name),*]
            }
        }
    };
}

gauge_families! {
    queue_depth_00 queue_depth_01 queue_depth_02 queue_depth_03 queue_depth_04 queue_depth_05
    queue_depth_06 queue_depth_07 queue_depth_08 queue_depth_09 queue_depth_10 queue_depth_11
    queue_depth_12 queue_depth_13 queue_depth_14 queue_depth_15 queue_depth_16 queue_depth_17
    queue_depth_18 queue_depth_19 queue_depth_20 queue_depth_21 queue_depth_22 queue_depth_23
    queue_depth_24 queue_depth_25 queue_depth_26 queue_depth_27 queue_depth_28 queue_depth_29
    queue_depth_30 queue_depth_31 queue_depth_32 queue_depth_33 queue_depth_34 queue_depth_35
    queue_depth_36 queue_depth_37 queue_depth_38 queue_depth_39 queue_depth_40 queue_depth_41
    queue_depth_42 queue_depth_43 queue_depth_44 queue_depth_45 queue_depth_46 queue_depth_47
    queue_depth_48 queue_depth_49 queue_depth_50 queue_depth_51 queue_depth_52 queue_depth_53
    queue_depth_54 queue_depth_55 queue_depth_56 queue_depth_57 queue_depth_58 queue_depth_59
    queue_depth_60 queue_depth_61 queue_depth_62 queue_depth_63 queue_depth_64 queue_depth_65
    queue_depth_66 queue_depth_67 queue_depth_68 queue_depth_69 queue_depth_70 queue_depth_71
    queue_depth_72 queue_depth_73 queue_depth_74 queue_depth_75 queue_depth_76 queue_depth_77
    queue_depth_78 queue_depth_79 queue_depth_80 queue_depth_81 queue_depth_82 queue_depth_83
    queue_depth_84 queue_depth_85 queue_depth_86 queue_depth_87 queue_depth_88 queue_depth_89
    queue_depth_90 queue_depth_91 queue_depth_92 queue_depth_93 queue_depth_94 queue_depth_95
    queue_depth_96 queue_depth_97 queue_depth_98 queue_depth_99
}

macro_rules! histogram_families {
    ($($name:ident)*) => {
        /// The families of histograms.
        #[derive(Clone, Debug, Metrics)]
        #[metrics(prefix = "bench")]
        pub(super) struct HistogramFamilies {
            $(
                /// How much there is of what is measured here
                #[metrics(buckets = Buckets::values(&BOUNDS))]
                $name: Family<Series, Histogram<f64>>,
            )*
        }

        impl HistogramFamilies {
            /// In the order of their numbers.
            pub(super) fn all(&self) -> Vec<&Family<Series, Histogram<f64>>> {
                vec![$(&self.$name),*]
            }
        }
    };
}

histogram_families! {
    latency_seconds_00 latency_seconds_01 latency_seconds_02 latency_seconds_03
    latency_seconds_04 latency_seconds_05 latency_seconds_06 latency_seconds_07
    latency_seconds_08 latency_seconds_09
}
