"""Every expectation of Great Expectations that works on a data frame, by name.

Lets YAML be checked without importing Great Expectations. Written by
`python -m vision_assets.quality.expectation_scan`; a test keeps it true.
"""

EXPECTATIONS: dict[str, tuple[str, str]] = {
    "expect_column_distinct_values_to_be_in_set": (
        "column value_set",
        "row_condition",
    ),
    "expect_column_distinct_values_to_contain_set": (
        "column value_set",
        "row_condition",
    ),
    "expect_column_distinct_values_to_equal_set": (
        "column value_set",
        "row_condition",
    ),
    "expect_column_kl_divergence_to_be_less_than": (
        "column",
        "bucketize_data internal_weight_holdout max_value min_value partition_object "
        "row_condition tail_weight_holdout threshold",
    ),
    "expect_column_max_to_be_between": (
        "column",
        "max_value min_value row_condition strict_max strict_min",
    ),
    "expect_column_mean_to_be_between": (
        "column",
        "max_value min_value row_condition strict_max strict_min",
    ),
    "expect_column_median_to_be_between": (
        "column",
        "max_value min_value row_condition strict_max strict_min",
    ),
    "expect_column_min_to_be_between": (
        "column",
        "max_value min_value row_condition strict_max strict_min",
    ),
    "expect_column_most_common_value_to_be_in_set": (
        "column value_set",
        "row_condition ties_okay",
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        "column_A column_B",
        "ignore_row_if mostly or_equal row_condition",
    ),
    "expect_column_pair_values_to_be_equal": (
        "column_A column_B",
        "ignore_row_if mostly row_condition",
    ),
    "expect_column_pair_values_to_be_in_set": (
        "column_A column_B value_pairs_set",
        "ignore_row_if mostly row_condition",
    ),
    "expect_column_proportion_of_non_null_values_to_be_between": (
        "column",
        "max_value min_value row_condition strict_max strict_min",
    ),
    "expect_column_proportion_of_unique_values_to_be_between": (
        "column",
        "max_value min_value row_condition strict_max strict_min",
    ),
    "expect_column_quantile_values_to_be_between": (
        "column quantile_ranges",
        "allow_relative_error row_condition",
    ),
    "expect_column_stdev_to_be_between": (
        "column",
        "max_value min_value row_condition strict_max strict_min",
    ),
    "expect_column_sum_to_be_between": (
        "column",
        "max_value min_value row_condition strict_max strict_min",
    ),
    "expect_column_to_exist": (
        "column",
        "column_index",
    ),
    "expect_column_type_to_be": (
        "column type_",
        "",
    ),
    "expect_column_unique_value_count_to_be_between": (
        "column",
        "max_value min_value row_condition strict_max strict_min",
    ),
    "expect_column_value_lengths_to_be_between": (
        "column",
        "max_value min_value mostly row_condition strict_max strict_min",
    ),
    "expect_column_value_lengths_to_equal": (
        "column value",
        "mostly row_condition",
    ),
    "expect_column_value_z_scores_to_be_less_than": (
        "column double_sided threshold",
        "mostly row_condition",
    ),
    "expect_column_values_to_be_between": (
        "column",
        "max_value min_value mostly row_condition strict_max strict_min",
    ),
    "expect_column_values_to_be_dateutil_parseable": (
        "column",
        "mostly row_condition",
    ),
    "expect_column_values_to_be_decreasing": (
        "column",
        "mostly row_condition strictly",
    ),
    "expect_column_values_to_be_in_set": (
        "column value_set",
        "mostly row_condition",
    ),
    "expect_column_values_to_be_in_type_list": (
        "column",
        "mostly row_condition type_list",
    ),
    "expect_column_values_to_be_increasing": (
        "column",
        "mostly row_condition strictly",
    ),
    "expect_column_values_to_be_json_parseable": (
        "column",
        "mostly row_condition",
    ),
    "expect_column_values_to_be_null": (
        "column",
        "mostly row_condition",
    ),
    "expect_column_values_to_be_of_type": (
        "column type_",
        "mostly row_condition",
    ),
    "expect_column_values_to_be_unique": (
        "column",
        "mostly row_condition",
    ),
    "expect_column_values_to_match_json_schema": (
        "column json_schema",
        "mostly row_condition",
    ),
    "expect_column_values_to_match_regex": (
        "column",
        "mostly regex row_condition",
    ),
    "expect_column_values_to_match_regex_list": (
        "column regex_list",
        "match_on mostly row_condition",
    ),
    "expect_column_values_to_match_strftime_format": (
        "column strftime_format",
        "mostly row_condition",
    ),
    "expect_column_values_to_not_be_in_set": (
        "column value_set",
        "mostly row_condition",
    ),
    "expect_column_values_to_not_be_null": (
        "column",
        "mostly row_condition",
    ),
    "expect_column_values_to_not_be_outliers": (
        "column",
        "method mostly multiplier row_condition",
    ),
    "expect_column_values_to_not_match_regex": (
        "column regex",
        "mostly row_condition",
    ),
    "expect_column_values_to_not_match_regex_list": (
        "column regex_list",
        "mostly row_condition",
    ),
    "expect_compound_columns_to_be_unique": (
        "column_list",
        "ignore_row_if mostly row_condition",
    ),
    "expect_multicolumn_sum_to_equal": (
        "column_list sum_total",
        "ignore_row_if mostly row_condition",
    ),
    "expect_multicolumn_values_to_be_equal": (
        "column_list",
        "ignore_row_if mostly row_condition",
    ),
    "expect_select_column_values_to_be_unique_within_record": (
        "column_list",
        "ignore_row_if mostly row_condition",
    ),
    "expect_table_column_count_to_be_between": (
        "",
        "max_value min_value",
    ),
    "expect_table_column_count_to_equal": (
        "value",
        "",
    ),
    "expect_table_columns_to_match_ordered_list": (
        "",
        "column_list",
    ),
    "expect_table_columns_to_match_set": (
        "",
        "column_set exact_match",
    ),
    "expect_table_row_count_to_be_between": (
        "",
        "max_value min_value row_condition strict_max strict_min",
    ),
    "expect_table_row_count_to_equal": (
        "value",
        "row_condition",
    ),
}
"""Name: required arguments, optional arguments, separated by spaces."""
